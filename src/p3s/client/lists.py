"""Reading: one object, lists, and lists that go on as long as they are read."""

from collections.abc import Iterator, Sequence
from typing import TypedDict, Unpack

from p3s.protocol import data_routes, routes
from p3s.protocol.acts import ExplainReply
from p3s.protocol.views import (
    Alarm,
    Dataset,
    Host,
    Job,
    JobRow,
    JobType,
    Pause,
    Pilot,
    PilotRow,
    Summary,
)

from .asking import Asking, Json


class JobChoice(TypedDict, total=False):
    """Which jobs. `name` may begin or end with `*`; `uuid`: several are separated by commas; `site`, `host`: of the
    pilot that has or had it; `since`, `until`: submitted."""

    owner: str
    site: str
    host: str
    pilot: str
    stream: str
    dataset: str
    workflow: str
    run: int | None
    name: str
    uuid: str
    since: float | None
    until: float | None


class Lists(Asking):
    """Every list can be narrowed by what its entries are; moments are seconds since the epoch."""

    # ---- jobs

    def job(self, job: str) -> Job:
        """All there is about a job. Raises NotKnown."""
        found: Job = self._ask(routes.JOB, job=job)
        return found

    def jobs(self, limit: int = 100, state: str = "", jobtype: str = "", **choice: Unpack[JobChoice]) -> list[JobRow]:
        """The latest jobs, newest first; `state` may be several, separated by commas."""
        return list(self._jobs(limit, state, jobtype, choice))

    def each_job(self, state: str = "", jobtype: str = "", **choice: Unpack[JobChoice]) -> Iterator[JobRow]:
        """All such jobs, newest first, page by page as they are wanted."""
        return self._jobs(None, state, jobtype, choice)

    def _jobs(self, limit: int | None, state: str, jobtype: str, choice: JobChoice) -> Iterator[JobRow]:
        asked = {"state": state.replace(" ", ""), "jobtype": jobtype, **choice}
        return self._pages(routes.JOBS, "jobs", limit, asked)

    def log(self, job: str, stream: str = "stdout") -> str:
        """stdout or stderr of a job."""
        return self._bytes(routes.LOG, job=job, stream=stream).decode("utf-8", "replace")

    def explain(self, job: str) -> ExplainReply:
        """Why a job is where it is."""
        return self._told(ExplainReply, routes.EXPLAIN, job=job)

    # ---- job types, hosts, pilots

    def job_types(self) -> list[JobType]:
        """Job types by name, with how many of their jobs are out and waiting, and who paused them."""
        return list(self._part("jobtypes", routes.JOBTYPES))

    def pauses(self) -> list[Pause]:
        """What is paused, by whom, since when and why."""
        return list(self._part("pauses", routes.PAUSES))

    def hosts(self) -> list[Host]:
        """Hosts of pilots, with what they are doubted for."""
        return list(self._part("hosts", routes.HOSTS))

    def pilots(
        self,
        ended: bool = False,
        limit: int | None = 200,
        *,
        state: str = "",
        site: str = "",
        host: str = "",
        batch_id: str = "",
        owner: str = "",
    ) -> list[PilotRow]:
        """Pilots in service, or those that have `ended`, the latest registered first."""
        asked = {"ended": ended, "state": state, "site": site, "host": host, "batch_id": batch_id, "owner": owner}
        return list(self._pages(routes.PILOTS, "pilots", limit, asked))

    def pilot(self, pilot: str) -> Pilot:
        """All there is about a pilot. Raises NotKnown."""
        found: Pilot = self._ask(routes.PILOT, pilot=pilot)
        return found

    # ---- data, alarms

    def datasets(
        self,
        limit: int | None = 100,
        *,
        state: str = "",
        owner: str = "",
        name: str = "",
        run: int | None = None,
        subrun: int | None = None,
        since: float | None = None,
        until: float | None = None,
        kind: str = "",
        datatype: str = "",
        stream: str = "",
        set: str = "",
    ) -> list[Dataset]:
        """The latest datasets, newest first; `name` is the beginning of one, `stream` was told of it, `set` has it."""
        more = {"since": since, "until": until, "kind": kind, "datatype": datatype, "stream": stream, "set": set}
        asked: Json = {"state": state, "owner": owner, "name": name, "run": run, "subrun": subrun, **more}
        return list(self._pages(data_routes.DATASETS, "datasets", limit, asked))

    def alarms(self, every: bool = False, limit: int | None = 100, kind: str = "", severity: str = "") -> list[Alarm]:
        """Open alarms, or with `every` those that are over too; the latest raised first."""
        return list(self._pages(routes.ALARMS, "alarms", limit, {"all": every, "kind": kind, "severity": severity}))

    # ---- the whole

    def summary(self) -> Summary:
        """Counts and freshness, and what is paused."""
        found: Summary = self._ask(routes.SUMMARY)
        return found

    def whoami(self) -> Json:
        """Whose token this is, and the server's time."""
        found: Json = self._ask(routes.WHOAMI)
        return found

    def _states(self, jobs: Sequence[str]) -> dict[str, str]:
        """The states of named jobs, as many at a time as a question may name."""
        return {
            row["uuid"]: row["state"]
            for at in range(0, len(jobs), NAMED)
            for row in self.each_job(uuid=",".join(jobs[at : at + NAMED]))
        }


NAMED = 200
"""Jobs that are asked for by name at a time."""
