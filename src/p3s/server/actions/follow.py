"""Jobs have ended that something waits for: tell it, in the same transaction."""

from p3s.domain.effects import JobEnded

from .expects import watch_results
from .gather import gather_ended
from .work import Work


def follow(work: Work, ended: list[JobEnded]) -> None:
    """What was decided so far is written. What this adds is settled in the same transaction too."""
    expecting = [one for one in ended if one.lacking is not None]
    if expecting:
        watch_results(work, expecting)
    gathered = [one for one in ended if one.followed]
    if gathered:
        gather_ended(work, gathered)
