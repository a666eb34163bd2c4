"""Tell pilots to drain or to stop: by name, or all of a site, a host, a batch job, a state."""

from p3s.domain.pool import PilotEntry
from p3s.domain.silence import silence_s
from p3s.protocol.errors import NotKnown
from p3s.protocol.many import PilotOrderReply, PilotOrderRequest, PilotTold
from p3s.protocol.states import FINAL_PILOT_STATES
from p3s.server.pilots.models import Pilot

from .work import Work


def order_pilots(work: Work, *, request: PilotOrderRequest, who: str) -> PilotOrderReply:
    """The pilots, by host. Raises NotKnown for a name that no pilot ever had; one that has ended is said to."""
    work.flush()
    told = []
    for pilot, host in _named(request) if request.uuids else _chosen(work, request):
        entry = work.desk.book.alive(pilot)
        if entry is None:
            told.append(PilotTold(pilot, host, 0, "it has ended"))
        elif request.dry_run:
            told.append(PilotTold(pilot, host, len(entry.out), f"it would be told to {request.order}"))
        else:
            out = len(entry.out)
            note = work.desk.instruct(pilot, request.order, who, request.why)
            told.append(PilotTold(pilot, host, out, note + _silent(work, entry)))
    return PilotOrderReply(told)


def _silent(work: Work, entry: PilotEntry) -> str:
    silent_s = silence_s(work.desk.book, entry, work.now)
    return "" if silent_s is None else f"; it is silent for {silent_s:.0f} s and hears this when it is back"


def _named(request: PilotOrderRequest) -> list[tuple[str, str]]:
    hosts = dict(Pilot.objects.filter(uuid__in=request.uuids).values_list("uuid", "host"))
    for pilot in request.uuids:
        if pilot not in hosts:
            raise NotKnown(f"there is no pilot {pilot}; p3s pilot list shows those in service")
    return [(pilot, hosts[pilot]) for pilot in dict.fromkeys(request.uuids)]


def _chosen(work: Work, request: PilotOrderRequest) -> list[tuple[str, str]]:
    """Pilots in service for which all holds that is asked."""
    pilots = Pilot.objects.exclude(state__in=[str(state) for state in FINAL_PILOT_STATES])
    asked = {"site": request.site, "host": request.host, "batch_id": request.batch_id}
    pilots = pilots.filter(**{name: value for name, value in asked.items() if value})
    rows = pilots.order_by("host", "registered_at").values_list("uuid", "host")
    return [(pilot, host) for pilot, host in rows if not request.states or _states(work, pilot) & {*request.states}]


def _states(work: Work, pilot: str) -> set[str]:
    """The stored state, and those that are computed."""
    entry = work.desk.book.alive(pilot)
    if entry is None:
        return set()
    computed = {"idle": not entry.out, "silent": silence_s(work.desk.book, entry, work.now) is not None}
    return {str(entry.state), *(name for name, so in computed.items() if so)}
