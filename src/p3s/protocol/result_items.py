"""The items of a result: what each kind holds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Optional

from p3s.protocol.patterns import Coordinate
from p3s.protocol.result_fields import bad_character
from p3s.protocol.result_limits import Drift, Limits, number_status, worst

KINDS = ("images", "number", "table", "root", "graph", "check", "file")

MAX_COMMENT = 2000


@dataclass(frozen=True)
class FileRef:
    """One file of an item: its path relative to the result directory, and the coordinates its name holds."""

    path: str
    by: dict[str, Coordinate] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """A column of a table: what its values are measured in and against."""

    name: str
    unit: str = ""
    good: Optional[Limits] = None
    warn: Optional[Limits] = None
    drift: Optional[Drift] = None


@dataclass(frozen=True)
class Cell:
    """One value that is trended: that of a number, or a cell of a table. `column` is empty for a number."""

    column: str
    by: dict[str, Coordinate]
    value: Optional[float]
    error: Optional[float]
    unit: str
    good: Optional[Limits]
    warn: Optional[Limits]
    drift: Optional[Drift]

    @property
    def status(self) -> str:
        """By its limits alone."""
        return number_status(self.value, self.good, self.warn)


@dataclass(frozen=True)
class Item:
    """One thing to show. Fields that its kind does not use keep their defaults.

    `word` is what the payload itself says of it, `status` the worst of that and of its limits.
    `problem` makes the item a hole: it is named and shown, with the reason, and has nothing else.
    """

    kind: str
    name: str
    by: dict[str, Coordinate] = field(default_factory=dict)
    word: str = "none"
    status: str = "none"
    comment: str = ""
    group: str = ""
    value: Optional[float] = None
    error: Optional[float] = None
    unit: str = ""
    good: Optional[Limits] = None
    warn: Optional[Limits] = None
    drift: Optional[Drift] = None
    files: tuple[FileRef, ...] = ()
    objects: tuple[str, ...] = ()
    draw: str = ""
    log: str = ""
    #: The coordinate by which the rows of a grid of files, or of a table, are told apart.
    rows: str = ""
    columns: str = ""
    expect: Optional[int] = None
    #: Of a table: a value for each of its columns by the label of the row, None where there is none.
    table: tuple[Column, ...] = ()
    values: dict[str, tuple[Optional[float], ...]] = field(default_factory=dict)
    #: Of a graph: as many of each; `errors` may be empty.
    x: tuple[Optional[float], ...] = ()
    y: tuple[Optional[float], ...] = ()
    errors: tuple[Optional[float], ...] = ()
    x_unit: str = ""
    problem: Optional[str] = None

    @property
    def missing(self) -> int:
        """How many of the expected files are not there."""
        return 0 if self.expect is None else max(0, self.expect - len(self.files))

    @property
    def note(self) -> str:
        """What is wrong with the item for people, '' if nothing."""
        if self.problem:
            return self.problem
        return f"{self.missing} of {self.expect} expected files are missing" if self.missing else ""

    def cells(self) -> Iterator[Cell]:
        """What of it is trended: a number itself, a table row by row."""
        if self.problem:
            return
        if self.kind == "number":
            yield Cell("", self.by, self.value, self.error, self.unit, self.good, self.warn, self.drift)
        for label, values in self.values.items():
            by = {**self.by, self.rows: row_coordinate(label)}
            for one, value in zip(self.table, values):
                yield Cell(one.name, by, value, None, one.unit, one.good, one.warn, one.drift)

    def judged(self) -> str:
        """The worst of its own word and of what its limits say."""
        return worst([self.word, *(cell.status for cell in self.cells())])


def row_coordinate(label: str) -> Coordinate:
    """The label of a table's row as a coordinate: `3` is the integer, as in the names of files; `03` stays a text."""
    return int(label) if re.fullmatch(r"0|-?[1-9][0-9]{0,17}", label) else label


def refuse(item: Item, problem: str) -> Item:
    """The hole that is left of an item: its identity and the reason."""
    return Item(kind=item.kind, name=item.name, by=item.by, problem=_one_line(problem))


def _one_line(text: str) -> str:
    """A text of a payload, or an error that quotes one, made fit for one line of a page."""
    plain = "".join("?" if bad_character(character, lines=False) else character for character in text)
    return plain[:MAX_COMMENT]
