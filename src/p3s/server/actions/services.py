"""Services run and report: what they said is written down, and their alarms are raised and cleared."""

from collections.abc import Mapping
from dataclasses import dataclass

from p3s.domain.silence import Alarm
from p3s.protocol.bounds import clean
from p3s.protocol.errors import Conflict, NotAllowed, NotKnown
from p3s.protocol.services import ServiceReport
from p3s.server.jobs.models import Job
from p3s.server.journal.models import Alarm as AlarmRow
from p3s.server.journal.models import Event
from p3s.server.services.models import Service
from p3s.server.services.reads import ServiceRow, row_of

from .alarms import clear_alarm, raise_alarm
from .work import Work

WATCHED = ("service", "disk")
"""Kinds of alarms that are decided from the services' memory."""

MOST = 1_000
"""So many services there are at most: each may report from any job."""

_IN_FORCE = ("dispatched", "running")


@dataclass(frozen=True, slots=True)
class Ran:
    """A run of one of the server's own: when it began, how long it took, and what it did or failed with."""

    name: str
    at: float
    took_s: float
    said: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports: a token's owner, or the attempt of a job, which speaks for the job's owner. `all_services`: an
    operator."""

    who: str
    all_services: bool = False
    job: str = ""
    attempt: int = 0


def note(work: Work, *, ran: Ran, every_s: float) -> None:
    """Write down a run of the server's own."""
    row = Service.objects.filter(name=ran.name).first() or Service(name=ran.name)
    row.own, row.owner, row.by, row.every_s = True, "", "", every_s
    row.last_at, row.took_s, row.said = ran.at, ran.took_s, clean(ran.said)
    if ran.error:
        row.last_error, row.failed_at = clean(ran.error), ran.at
    row.save()
    work.topics.add("services")


def run_by(work: Work, *, name: str, who: str) -> None:
    """For the record: a person had one of the server's own run now."""
    Event.objects.create(at=work.now, kind="service", object_id=name, what="run", who=who)


def report(work: Work, *, name: str, said: ServiceReport, who: Reporter) -> ServiceRow:
    """Write down what a script says. Raises Conflict for a name of the server's own, NotAllowed for somebody else's."""
    owner = _owner(work, who)
    row = Service.objects.filter(name=name).first()
    if row is None:
        if Service.objects.count() >= MOST:
            raise Conflict(f"there are {MOST} services already; p3s service forget takes one away")
        row = Service(name=name, owner=owner)
    if row.own:
        raise Conflict(f"{name} is a service of the server's own; report by another name")
    if row.owner != owner and not who.all_services:
        raise NotAllowed(f"the service {name} is {row.owner}'s; report by another name, or ask them to forget it")
    row.by, row.every_s, row.last_at, row.took_s = who.who[:150], said.every, work.now, None
    row.said, row.value, row.unit = clean(said.text), said.value, clean(said.unit)
    if said.error.strip():
        row.last_error, row.failed_at = clean(said.error), work.now
    row.save()
    work.topics.add("services")
    return row_of(row)


def _owner(work: Work, who: Reporter) -> str:
    if not who.job:
        return who.who
    work.flush()
    row = Job.objects.filter(uuid=who.job).values("owner", "attempt", "state").first()
    if row is None or row["attempt"] != who.attempt or row["state"] not in _IN_FORCE:
        raise Conflict(f"attempt {who.attempt} of job {who.job} does not run any more, so it may not report")
    return str(row["owner"])


def forget(work: Work, *, name: str, who: str, all_services: bool) -> None:
    """A script will report no more: its row goes, and so does its alarm. Raises NotKnown, Conflict or NotAllowed."""
    row = Service.objects.filter(name=name).first()
    if row is None:
        raise NotKnown(f"there is no service {name}; p3s service list shows them")
    if row.own:
        raise Conflict(f"{name} is a service of the server's own; it cannot be forgotten")
    if row.owner != who and not all_services:
        raise NotAllowed(f"the service {name} is {row.owner}'s; only they or an operator can forget it")
    row.delete()
    Event.objects.create(at=work.now, kind="service", object_id=name, what="forgotten", who=who)
    work.topics.add("services")


def watch(work: Work, *, found: Mapping[str, Alarm]) -> None:
    """Raise or keep up these alarms, by cause; clear the others of services."""
    for alarm in found.values():
        raise_alarm(work, alarm)
    for row in AlarmRow.objects.filter(kind__in=WATCHED, cleared_at=None):
        if row.cause not in found:
            clear_alarm(work, row, "there is room again" if row.kind == "disk" else "heard again, or forgotten")
