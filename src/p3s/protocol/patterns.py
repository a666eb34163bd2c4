"""Names and patterns of the files a payload publishes.

A pattern is a relative file name in which ``{x:d}`` stands for digits, ``{x:a}`` for letters, ``{x}`` for
anything but a slash and ``*`` for anything but a slash, the empty text included. What a field matched
becomes one of the file's coordinates. Patterns and names are written by payloads: neither may make us
work long, so matching takes (parts of the pattern x length of the name) steps, with no backtracking.
A pattern whose fields end where what follows begins, as most do, is a regular expression that needs none, and quick.
"""

import functools
import re
import string
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Optional, Union

Coordinate = Union[int, str]

MAX_PATH = 255
MAX_FIELDS = 8

_PART = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,39})(?::([da]))?\}|(\*)|([^{}*]+)")
_DIGITS = frozenset(string.digits)
_LETTERS = frozenset(string.ascii_letters)
# Digits beyond this do not fit a 64-bit integer of a database; they stay text.
_INTEGER_DIGITS = 18


class PatternError(ValueError):
    """A file name or pattern that is refused; the message is one line and says what to write instead."""


@dataclass(frozen=True)
class _Part:
    """One part of a pattern: a literal text, or a field or star that takes characters of one class."""

    literal: str = ""
    field: str = ""
    allowed: Optional[frozenset[str]] = None  # None: anything but a slash
    empty: bool = False  # whether it may take nothing, as the star does

    def takes(self, character: str) -> bool:
        return character != "/" if self.allowed is None else character in self.allowed


@dataclass(frozen=True)
class Pattern:
    """A parsed pattern; `match` gives the coordinates of a name, or None where it does not fit."""

    text: str
    parts: tuple[_Part, ...]

    @property
    def is_literal(self) -> bool:
        return all(part.literal for part in self.parts)

    @property
    def fields(self) -> "tuple[str, ...]":
        return tuple(part.field for part in self.parts if part.field)

    def may_match(self, name: str) -> bool:
        """A cheap look at both ends, which rules out most names."""
        return name.startswith(self.parts[0].literal) and name.endswith(self.parts[-1].literal)

    def match(self, name: str) -> Optional[dict[str, Coordinate]]:
        if not self.may_match(name):
            return None
        quick = _expression(self.parts)
        if quick is None:
            return _match(self.parts, name)
        found = quick.fullmatch(name)
        if found is None:
            return None
        fields = [part for part in self.parts if part.field]
        return {part.field: _coordinate(part, text) for part, text in zip(fields, found.groups())}

    def work(self, names: Collection[str]) -> int:
        """About how many steps it takes to match all `names`."""
        if self.is_literal:
            return 1
        return len(names) + sum(len(self.parts) * len(name) for name in names if self.may_match(name))


def name_problem(name: str) -> Optional[str]:
    """Why `name` may not be a file of a result, or None if it may."""
    if not name:
        return "the file name is empty"
    if len(name) > MAX_PATH:
        return f"the file name has {len(name)} characters; {MAX_PATH} are allowed"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return "the file name has control characters or is not UTF-8; rename the file"
    if "\\" in name:
        return "the file name has a backslash; write / between directories"
    if name.startswith("/"):
        return "the file name is absolute; write it relative to the result directory"
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "the file name has an empty part, '.' or '..'; it must stay inside the result directory"
    return None


def parse(text: str) -> Pattern:
    """Parse a pattern. Errors: PatternError where it is no safe relative name or its fields are wrong."""
    text = text[2:] if text.startswith("./") else text
    problem = name_problem(text)
    if problem:
        raise PatternError(problem)
    parts = _parts(text)
    fields = [part.field for part in parts if part.field]
    if len(fields) != len(set(fields)):
        raise PatternError("a field name stands twice in one pattern; name each field once")
    if sum(1 for part in parts if not part.literal) > MAX_FIELDS:
        raise PatternError(f"more than {MAX_FIELDS} fields and stars in one pattern; use fewer")
    return Pattern(text, tuple(parts))


def select(pattern: Pattern, names: Collection[str]) -> list[tuple[str, dict[str, Coordinate]]]:
    """Names that fit the pattern with their coordinates, ordered by name with numbers in their own order."""
    if pattern.is_literal:
        return [(pattern.text, {})] if pattern.text in names else []
    found = [(name, by) for name, by in ((name, pattern.match(name)) for name in names) if by is not None]
    return sorted(found, key=lambda pair: natural(pair[0]))


def natural(name: str) -> list[tuple[int, int, str]]:
    """Sorting key by which plane 9 comes before plane 10."""
    pieces = re.split(r"([0-9]{1,18})", name)
    return [(0, int(piece), piece) if piece.isdigit() and piece.isascii() else (1, 0, piece) for piece in pieces]


def _parts(text: str) -> list[_Part]:
    parts = []
    position = 0
    while position < len(text):
        found = _PART.match(text, position)
        if found is None:
            raise PatternError("braces stand for fields: write {name}, {name:d} for digits or {name:a} for letters")
        position = found.end()
        field, kind, star, literal = found.groups()
        if literal:
            parts.append(_Part(literal=literal))
        elif star:
            parts.append(_Part(empty=True))
        else:
            parts.append(_Part(field=field, allowed={"d": _DIGITS, "a": _LETTERS}.get(kind or "")))
    return parts


@functools.lru_cache(maxsize=256)
def _expression(parts: tuple[_Part, ...]) -> "Optional[re.Pattern[str]]":
    """The same as a regular expression that never goes back; None where a field may take what what follows begins
    with."""
    for part, after in zip(parts, parts[1:]):
        if not part.literal and (after.empty or _may_begin(after, part)):
            return None
    return re.compile("".join(map(_piece, parts)), re.DOTALL)


def _may_begin(after: _Part, part: _Part) -> bool:
    """Whether `part` takes a character that `after` begins with."""
    if after.literal:
        return part.takes(after.literal[0])
    return part.allowed is None or after.allowed is None or bool(part.allowed & after.allowed)


def _piece(part: _Part) -> str:
    if part.literal:
        return re.escape(part.literal)
    several = {_DIGITS: "[0-9]", _LETTERS: "[A-Za-z]"}.get(part.allowed, "[^/]") if part.allowed else "[^/]"
    text = several + ("*" if part.empty else "+")
    return f"({text})" if part.field else text


def _match(parts: tuple[_Part, ...], name: str) -> Optional[dict[str, Coordinate]]:
    """Coordinates of `name`, each field taking as much as it can while the rest still fits."""
    fits = _positions_that_fit(parts, name)
    if not fits[0][0]:
        return None
    by: dict[str, Coordinate] = {}
    position = 0
    for part, rest_fits in zip(parts, fits[1:]):
        start = position
        if part.literal:
            position += len(part.literal)
            continue
        reach = start
        while reach < len(name) and part.takes(name[reach]):
            reach += 1
        first = start if part.empty else start + 1
        position = next(end for end in range(reach, first - 1, -1) if rest_fits[end])
        if part.field:
            by[part.field] = _coordinate(part, name[start:position])
    return by


def _positions_that_fit(parts: tuple[_Part, ...], name: str) -> list[list[bool]]:
    """For each part i and position p: whether parts[i:] can take exactly name[p:]; from the end backwards."""
    length = len(name)
    after = [False] * length + [True]
    table = [after]
    for part in reversed(parts):
        here = [False] * (length + 1)
        if part.literal:
            size = len(part.literal)
            for start in range(length - size + 1):
                here[start] = after[start + size] and name.startswith(part.literal, start)
        else:
            run_fits = False  # whether the rest fits at some end within the run that begins here
            for start in range(length, -1, -1):
                # A run through this character may end behind it or further on.
                run_fits = start < length and part.takes(name[start]) and (run_fits or after[start + 1])
                here[start] = run_fits or (part.empty and after[start])
        table.append(here)
        after = here
    return table[::-1]


def _coordinate(part: _Part, text: str) -> Coordinate:
    if part.allowed is _DIGITS and len(text) <= _INTEGER_DIGITS:
        return int(text)
    return text
