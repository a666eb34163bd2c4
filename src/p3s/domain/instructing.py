"""People tell a pilot to drain (end when its jobs have ended) or to stop (end its jobs and itself)."""

from p3s.domain.effects import Effect, Noted, PilotInstructed, PilotMoved
from p3s.domain.pool import PilotEntry
from p3s.protocol.states import PilotState
from p3s.protocol.units import counted


def instruct(entry: PilotEntry, what: str, who: str, why: str, now: float) -> tuple[list[Effect], str]:
    """Effects, and a note for the person. It gets no more orders at once; a drain may still become a stop."""
    if entry.instruction in (what, "stop"):
        return [], f"it was told to {entry.instruction} already"
    said = f"told to {what} by {who}" + (f": {why}" if why else "")
    effects: list[Effect] = [PilotInstructed(entry.pilot, what, entry.numbered + 1, said[:200])]
    if entry.state is PilotState.ACTIVE:
        effects.append(PilotMoved(entry.pilot, entry.state, PilotState.DRAINING, said, now, entry.last_seen))
    effects.append(Noted("pilot", entry.pilot, f"told to {what}", who, why, now))
    return effects, _note(what, len(entry.out))


def _note(what: str, out: int) -> str:
    jobs = counted(out, "job")
    if not out:
        return "it has no job and ends at once"
    have = "has" if out == 1 else "have"
    return f"it ends when its {jobs} {have} ended" if what == "drain" else f"it ends its {jobs}, then itself"
