"""Files of workflows whose `keep` has run out: which may be deleted, and why the others are not.

Only what a job of a workflow wrote goes, in the workflow's own directory, when nobody reads or writes it any more. What
cannot be told for sure is left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from p3s.domain.workflows.plan import Plan
from p3s.protocol.states import DatasetState


class Do(Enum):
    """What is done with a file now."""

    DELETE = "delete"
    LATER = "later"
    """It is looked at again."""
    NEVER = "never"
    """It stays where it is, whatever comes."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A job that writes the file. `keep`: seconds after its workflow's end, None: for good. `workflow_ended_at`: of its
    workflow and all that took its work over, the latest; None while one goes on."""

    keep: float | None
    ended: bool
    finished: bool
    workflow_ended_at: float | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as the tables know it. `made`: its record was made by a workflow that was to write it. `deleted`: so it
    was, for its keep had run out. `open_readers`: jobs that read it, or write it anew, and have not ended."""

    path: str
    directory: str
    state: str
    made: bool
    deleted: bool
    writers: tuple[Writer, ...]
    open_readers: int = 0
    sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`at`: when its keep runs out, as far as that can be told now."""

    do: Do
    why: str
    at: float | None = None


def judge(file: Kept, now: float) -> Verdict:
    """Never is said before later: what never goes need not be looked at again."""
    why = _never(file)
    if why:
        return Verdict(Do.NEVER, why)
    if any(not writer.ended or writer.workflow_ended_at is None for writer in file.writers):
        return Verdict(Do.LATER, "a workflow that writes it goes on")
    at = max((writer.workflow_ended_at or 0.0) + (writer.keep or 0.0) for writer in file.writers)
    if now < at:
        return Verdict(Do.LATER, "it is still kept", at)
    if file.open_readers:
        return Verdict(Do.LATER, f"{file.open_readers} jobs that read or write it have not ended", at)
    if not any(writer.finished for writer in file.writers):
        return Verdict(Do.NEVER, "no job wrote it to its end", at)
    if file.sets:
        return Verdict(Do.NEVER, f"set {file.sets[0]} has it", at)
    return Verdict(Do.DELETE, "its keep has run out", at)


def _never(file: Kept) -> str:
    if not inside(file.path, file.directory):
        return "it lies outside of its workflow's directory"
    if not file.made:
        return "it was known before a workflow wrote it"
    if not file.writers:
        return "no job of a workflow writes it"
    if any(writer.keep is None for writer in file.writers):
        return "a workflow that writes it keeps it for good"
    if file.state == DatasetState.AVAILABLE or (file.state == DatasetState.DROPPED and file.deleted):
        return ""
    return "" if any(not writer.ended for writer in file.writers) else f"it is {file.state}"


def plain(path: str) -> str:
    """An absolute path without what names nothing, or "" for any other: one that goes up may lead anywhere."""
    parts = path.split("/")
    if parts[0] or ".." in parts:
        return ""
    return "/" + "/".join(part for part in parts if part not in ("", "."))


def inside(path: str, directory: str) -> bool:
    """Whether a path lies below a directory, by their names alone."""
    above = plain(directory)
    return above not in ("", "/") and plain(path).startswith(f"{above}/")


def place_of(directory: str, places: Iterable[str]) -> str:
    """The one of these places at or below which a directory lies, or ""."""
    return next((place for place in places if plain(directory) == plain(place) or inside(directory, place)), "")


def first_due(plan: Plan, directory: str) -> float | None:
    """Seconds after the workflow's end until the first of its files may have to go; None: none ever has."""
    files = [file for node in plan.nodes for file in node.outputs]
    return min((file.keep for file in files if file.keep is not None and inside(file.path, directory)), default=None)


def notes(plan: Plan, directory: str, places: Sequence[str]) -> list[str]:
    """What a person who starts a workflow must know of files that are not deleted although they have a `keep`."""
    kept = {file.datum: file.path for node in plan.nodes for file in node.outputs if file.keep is not None}
    outside = {datum: path for datum, path in kept.items() if not inside(path, directory)}
    found = [
        f"{datum}: has a keep, but {path} is not in the workflow's directory and stays"
        for datum, path in outside.items()
    ]
    if len(outside) < len(kept) and not place_of(directory, places):
        found.append(
            f"keep: this server deletes only below {', '.join(places)}; files in {directory} stay until somebody "
            "deletes them (P3S_TIDY names more places)"
        )
    return found
