"""What pilots say: registration, both lanes, the end of waits, a guardian's word."""

from collections.abc import Sequence

from p3s.domain.effects import PilotAdded
from p3s.domain.exchange import NOTHING, Known, Past, check_lane, expects
from p3s.domain.needs import Offer
from p3s.domain.pool import PilotEntry
from p3s.protocol.errors import Gone
from p3s.protocol.messages import DeathRequest, ExchangeRequest, RegisterRequest, Report, Verdict
from p3s.server.jobs import waiting
from p3s.server.pilots import queries as pilots
from p3s.server.results import published

from .advance import concluded
from .work import Work


def register(work: Work, *, request: RegisterRequest, token_hash: str, owner: str, lease_s: float) -> None:
    """Take a pilot in; asked again with the same nonce it changes nothing. Raises Gone for one that has ended."""
    if work.desk.book.alive(request.pilot) is None and pilots.known(request.pilot) is not None:
        raise Gone(f"the pilot {request.pilot} has ended; register anew, under another name")
    columns = {
        "version": request.version[:40],
        "python": request.python[:40],
        "process": request.process,
        "batch_id": request.batch_id[:120],
    }
    offer = Offer(
        request.site[:80],
        request.cores or request.slots,
        request.memory,
        request.gpus,
        frozenset(request.tags),
        frozenset(request.runtimes),
    )
    work.desk.register(
        PilotAdded(
            request.pilot,
            request.host[:255],
            request.site[:80],
            request.slots,
            lease_s,
            token_hash,
            owner,
            work.now,
            columns,
            offer,
            request.life_s,
        )
    )


def open_lane(work: Work, *, pilot: str, message: ExchangeRequest) -> PilotEntry:
    """An order-lane exchange; settling the work answers it when there is something to say. Raises Gone or Conflict,
    before its reports make anything happen."""
    check_lane(work.desk.book, pilot, message.seq)
    return work.desk.order_lane(pilot, message, _known(work, message.reports))


def report(work: Work, *, pilot: str, reports: list[Report]) -> list[Verdict]:
    """A report-lane exchange."""
    return work.desk.report(pilot, reports, _known(work, reports))


def _known(work: Work, reports: Sequence[Report]) -> Known:
    """Rows of reported jobs that no pilot holds, and what those have published of which results are expected: the
    ordinary report reads nothing."""
    book = work.desk.book
    past = _past(work, [report.job for report in reports if report.job not in book.out])
    attempts: set[tuple[str, int]] = set()
    wanted: set[str] = set()
    for report in reports:
        if names := expects(book, report, past):
            attempts.add((report.job, report.attempt))
            wanted.update(names)
    if not attempts:
        return Known(past) if past else NOTHING
    work.flush()
    return Known(past, published.names(attempts, wanted))


def _past(work: Work, ended: list[str]) -> dict[str, Past]:
    if not ended:
        return {}
    work.flush()
    return {job: concluded(work, job, past) for job, past in waiting.past(ended).items()}


def death(work: Work, *, pilot: str, request: DeathRequest) -> bool:
    """A guardian's word; False when the pilot had ended already."""
    return work.desk.death(pilot, f"{request.evidence}; {request.killed} processes killed")
