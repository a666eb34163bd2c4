"""Whether a file is taken: when it is complete, and what is left out. Pure: what was seen goes in, a verdict comes out.

Clocks are not trusted. That a file rested is what the watcher saw itself, by a clock that only goes forward; the times
that files carry tell only how old they are.
"""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from p3s.protocol.patterns import Pattern

RESTED_S = 2.0
"""A file is taken for complete when nothing changed it for so long, unless its stream says otherwise."""

EMPTY_S = 600.0
"""A file that must rest and stays empty for so long is left out; before, it is waited for."""

SIDECAR_S = 30.0
"""So long a complete file waits for its side-car."""

LEAVE = "leave"
MOVE = "move"
DELETE = "delete"


@dataclass(frozen=True)
class Beside:
    """The name of a file that goes with another: `{name}` is that one's name, `{stem}` the same without extension.
    It is taken to be in the same directory, or below it."""

    text: str

    def of(self, name: str) -> str:
        """Of the file `name`, relative to the storage."""
        directory, slash, base = name.rpartition("/")
        stem = base.rpartition(".")[0] or base
        return f"{directory}{slash}{self.text.replace('{name}', base).replace('{stem}', stem)}"

    def may_be(self, name: str) -> bool:
        """Whether a file of this name goes with some other."""
        return self._form.fullmatch(name) is not None

    @cached_property
    def _form(self) -> re.Pattern[str]:
        mark = "{name}" if "{name}" in self.text else "{stem}"
        before, after = map(re.escape, self.text.split(mark, 1))
        return re.compile(f"(?:.*/)?{before}[^/]+{after}", re.DOTALL)


@dataclass(frozen=True)
class Complete:
    """When a file is whole: nothing changed it for `rested_s`; or its `marker` is there; or, with neither, at once,
    because it was renamed into place."""

    rested_s: float = RESTED_S
    marker: Beside | None = None


@dataclass(frozen=True)
class Bound:
    """A size in bytes or an age in seconds, and as it was written, for reasons."""

    value: float
    written: str


@dataclass(frozen=True)
class Ignore:
    """What is left out, each with its reason. Ages count from the last change of a file. `younger` waits."""

    below: Bound | None = None
    above: Bound | None = None
    older: Bound | None = None
    younger: Bound | None = None
    names: tuple[Pattern, ...] = ()


@dataclass(frozen=True)
class Scan:
    """How often the storage is read, how many files are taken each time, and which of them first; if that is not said
    (None), the oldest, but the newest of those that were there at the start."""

    every_s: float = 5.0
    at_most: int | None = None
    newest_first: bool | None = None


@dataclass(frozen=True)
class Sidecar:
    """A JSON file beside each file that says more of it; a complete file waits for it, but not for ever."""

    beside: Beside
    wait_s: float = SIDECAR_S


@dataclass(frozen=True)
class After:
    """What becomes of a file when its jobs have ended: `act` is LEAVE, MOVE or DELETE; `to` is a directory of the same
    storage; `failed_too`: also when jobs did not end well."""

    act: str = LEAVE
    to: str = ""
    failed_too: bool = False


@dataclass(frozen=True)
class Rules:
    """All that a stream says of its files."""

    complete: Complete = field(default_factory=Complete)
    ignore: Ignore = field(default_factory=Ignore)
    scan: Scan = field(default_factory=Scan)
    sidecar: Sidecar | None = None
    checksum: bool = False
    after: After = field(default_factory=After)

    @property
    def longest_s(self) -> float:
        """How long a file that is whole may be waited for."""
        return self.complete.rested_s + (self.sidecar.wait_s if self.sidecar else 0.0)


@dataclass(frozen=True, slots=True)
class Sight:
    """A file as it was seen. `modified_ns` is by the clock of where it lies. `unchanged_s`: how long the watcher has
    seen it so. `age_s` since its last change, or less: of several clocks the smallest says."""

    name: str
    size: int
    modified_ns: int
    readable: bool = True
    unchanged_s: float = 0.0
    age_s: float = 0.0
    marker: bool = False
    sidecar: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`take`, `ignore` (for the `reason`), or `wait`: for the `reason`, and `again_s` until time alone may change it.
    `final`: nothing that happens to the file changes it."""

    kind: Literal["take", "ignore", "wait"]
    reason: str = ""
    again_s: float | None = None
    final: bool = True


TAKE = Verdict("take")


def judge(rules: Rules, seen: Sight) -> Verdict:
    """What becomes of a file whose name fits the stream's pattern."""
    named = _left_out_by_name(rules.ignore, seen)
    if named is not None:
        return named
    return _incomplete(rules, seen) or _left_out(rules.ignore, seen) or _lacks_sidecar(rules, seen) or TAKE


def _left_out_by_name(ignore: Ignore, seen: Sight) -> Verdict | None:
    base = seen.name.rpartition("/")[2]
    fits = (pattern.text for pattern in ignore.names if pattern.match(base) is not None)
    name = next(fits, None)
    return None if name is None else Verdict("ignore", f"its name fits {name}")


def _incomplete(rules: Rules, seen: Sight) -> Verdict | None:
    complete = rules.complete
    if not seen.readable:
        return Verdict("wait", "it may not be read")
    if complete.marker is not None:
        return None if seen.marker else Verdict("wait", f"its marker {complete.marker.of(seen.name)} is not there")
    if not complete.rested_s:
        return None
    if not seen.size:
        if seen.unchanged_s >= EMPTY_S:
            return Verdict("ignore", "empty", final=False)
        return Verdict("wait", "it is empty", EMPTY_S - seen.unchanged_s)
    left_s = complete.rested_s - seen.unchanged_s
    if left_s > 0:
        return Verdict("wait", f"it must rest for {complete.rested_s:g} s", left_s)
    return None


def _left_out(ignore: Ignore, seen: Sight) -> Verdict | None:
    if ignore.below and seen.size < ignore.below.value:
        return Verdict("ignore", f"smaller than {ignore.below.written}", final=False)
    if ignore.above and seen.size > ignore.above.value:
        return Verdict("ignore", f"larger than {ignore.above.written}", final=False)
    if ignore.older and seen.age_s > ignore.older.value:
        return Verdict("ignore", f"older than {ignore.older.written}")
    if ignore.younger and seen.age_s < ignore.younger.value:
        return Verdict("wait", f"it is younger than {ignore.younger.written}", ignore.younger.value - seen.age_s)
    return None


def _lacks_sidecar(rules: Rules, seen: Sight) -> Verdict | None:
    """Waited for from when the file was whole: that it rested counts."""
    if rules.sidecar is None or seen.sidecar:
        return None
    left_s = rules.complete.rested_s + rules.sidecar.wait_s - seen.unchanged_s
    if left_s <= 0:
        return None
    return Verdict("wait", f"its side-car {rules.sidecar.beside.of(seen.name)} is not there yet", left_s)
