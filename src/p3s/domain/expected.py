"""Results that a job type expects of each of its jobs: what one that ended well lacks."""

from collections.abc import Collection
from dataclasses import replace

from p3s.domain.effects import SYSTEM, Effect, JobEnded, Noted
from p3s.protocol.states import Reason

MOST_NAMED = 5


def judged(ended: JobEnded, expects: tuple[str, ...], published: Collection[str], now: float) -> list[Effect]:
    """The end of an attempt that came to its end well, with what it should have published (`category` or
    `category/item`) and did not. Nothing expected: the end as it is."""
    if not expects:
        return [ended]
    lacking = tuple(name for name in expects if name not in published)
    if not lacking:
        return [replace(ended, lacking=())]
    reason = Reason.PUBLISHED_NOTHING if len(lacking) == len(expects) else Reason.RESULTS_MISSING
    why = f"its type expects {named(expects)}; not published: {named(lacking)}"
    noted = Noted("job", ended.job, str(reason), SYSTEM, why, now)
    return [replace(ended, reason=reason, lacking=lacking), noted]


def named(names: Collection[str]) -> str:
    """The first of them, for people."""
    shown = ", ".join(list(names)[:MOST_NAMED])
    return f"{shown} and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else shown
