"""Jobs have started or ended that something waits for: tell it, in the same transaction."""

from p3s.domain.effects import JobEnded

from .advance import advance
from .expects import watch_results
from .gather import gather_ended
from .work import Work


def follow(work: Work, ended: list[JobEnded], begun: set[str]) -> None:
    """`begun`: workflows of which a job has started. What was decided so far need not be written: flush before the
    tables are read. What this adds is settled in the same transaction too."""
    advance(work, [one for one in ended if one.workflow], begun)  # which no stream made
    expecting = [one for one in ended if one.lacking is not None]
    if expecting:
        watch_results(work, expecting)
    gathered = [one for one in ended if one.followed and not one.workflow]
    if gathered:
        gather_ended(work, gathered)
