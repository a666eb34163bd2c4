"""Say why a job is where it is: the broker's memory and the journal, read at one moment."""

from p3s.domain.explain import explain as why
from p3s.domain.explain import pilots_now
from p3s.protocol.acts import ExplainReply
from p3s.protocol.errors import NotKnown
from p3s.protocol.states import JobState
from p3s.server.jobs import waiting
from p3s.server.jobs.models import Job
from p3s.server.journal import queries as journal
from p3s.server.workflows import links

from .work import Work


def explain(work: Work, *, job: str) -> ExplainReply:
    """Raises NotKnown."""
    work.flush()
    past = waiting.past([job]).get(job)
    if past is None:
        raise NotKnown(f"there is no job {job}; p3s job list shows the latest")
    reason = str(Job.objects.values_list("reason", flat=True).get(uuid=job))
    waits = links.waits(job, work.now) if past.state is JobState.WAITING else []
    lines = why(work.desk.book, job, past, _said(job, past.state), work.now, waits)
    queued = past.queued if past.state is JobState.DEFINED else None
    pilots = pilots_now(work.desk.book, queued.key, work.now) if queued else 0
    return ExplainReply(job, str(past.state), reason, pilots, lines)


def _said(job: str, state: JobState) -> str:
    """What the journal has last of it; of one that is held who held it and why, whatever was done to it since."""
    event = journal.last("job", job, "held" if state is JobState.HELD else "")
    return f"{event.what} by {event.who}{f': {event.why}' if event.why else ''}" if event else ""
