"""The items of a result: what each kind holds, and reading them so that a bad one is refused alone."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from p3s.protocol.patterns import Coordinate, Pattern, PatternError, name_problem, parse, select
from p3s.protocol.result_fields import Fields, Limits, ResultError, bad_character, describe

MAX_FILES = 1000  # file references in one result
MAX_COMMENT = 2000
MAX_PATTERNS = 1000  # in one item
MAX_WORK = 4_000_000  # steps of matching patterns in one result: bounds what a hostile one costs, about 1 s

KINDS = ("images", "number", "root", "check")
LATER_KINDS = ("table", "graph", "file")
STATUSES = ("none", "good", "warning", "bad")  # from best to worst; none says nothing

_ANY_ITEM = ("kind", "name", "by", "status", "comment", "group", "problem")
_OF_KIND = {
    "images": ("files", "rows", "columns", "expect"),
    "number": ("value", "error", "unit", "good", "warn", "drift"),
    "root": ("files", "objects", "draw", "log", "rows", "columns", "expect"),
    "check": (),
}


@dataclass(frozen=True)
class FileRef:
    """One file of an item: its path relative to the result directory, and the coordinates its name holds."""

    path: str
    by: dict[str, Coordinate] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """One thing to show. Fields that its kind does not use keep their defaults.

    `status` is the combined one: of an item's own word and, for a number, of its limits.
    `problem` makes the item a hole: it is named and shown, with the reason, and has nothing else.
    """

    kind: str
    name: str
    by: dict[str, Coordinate] = field(default_factory=dict)
    status: str = "none"
    comment: str = ""
    group: str = ""
    value: Optional[float] = None
    error: Optional[float] = None
    unit: str = ""
    good: Optional[Limits] = None
    warn: Optional[Limits] = None
    drift: Optional[tuple[float, float]] = None
    files: tuple[FileRef, ...] = ()
    objects: tuple[str, ...] = ()
    draw: str = ""
    log: str = ""
    rows: str = ""
    columns: str = ""
    expect: Optional[int] = None
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


def worst(statuses: Iterable[str]) -> str:
    """The worst of some statuses, 'none' of none."""
    return max(statuses, key=STATUSES.index, default="none")


def number_status(value: Optional[float], good: Optional[Limits], warn: Optional[Limits]) -> str:
    """The status of a number: outside `good` a warning, outside `warn` bad; without value or limits none."""
    limits = [limit for limit in (good, warn) if limit and limit != (None, None)]
    if value is None or not limits:
        return "none"
    if warn and not _inside(value, warn):
        return "bad"
    return "warning" if good and not _inside(value, good) else "good"


def refuse(item: Item, problem: str) -> Item:
    """The hole that is left of an item: its identity and the reason."""
    return Item(kind=item.kind, name=item.name, by=item.by, problem=_one_line(problem))


def _one_line(text: str) -> str:
    """A text of a payload, or an error that quotes one, made fit for one line of a page."""
    plain = "".join("?" if bad_character(character, lines=False) else character for character in text)
    return plain[:MAX_COMMENT]


class ItemReader:
    """Reads the items of one result, with what they may use together: names, file references, work."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = frozenset(names)
        self.files_left = MAX_FILES
        self.work_left = MAX_WORK
        self.seen: dict[tuple[Any, ...], int] = {}

    def read_all(self, items: list[Any]) -> tuple[Item, ...]:
        return tuple(self._read_or_refuse(item, index) for index, item in enumerate(items))

    def _read_or_refuse(self, document: Any, index: int) -> Item:
        where = f"items[{index}]"
        if not isinstance(document, dict):
            return Item("unknown", f"item {index + 1}", problem=f"{where}: {describe(document)} is not an item")
        fields = Fields(document, where)
        try:
            return self._read(fields, index)
        except ResultError as error:
            return refuse(_identity(fields, index), str(error))

    def _read(self, fields: Fields, index: int) -> Item:
        problem = fields.document.get("problem")
        if problem is not None:
            return refuse(_identity(fields, index), problem if isinstance(problem, str) and problem else "refused")
        kind = _kind(fields)
        fields.only(_ANY_ITEM + _OF_KIND[kind])
        item = Item(
            kind=kind,
            name=fields.required_text("name"),
            by=fields.coordinates("by"),
            status=fields.word("status", STATUSES, "none"),
            comment=fields.text("comment", MAX_COMMENT, lines=True),
            group=fields.text("group"),
        )
        self._refuse_second(fields, item, index)
        if kind == "number":
            return _number(fields, item)
        if kind == "check":
            if "status" not in fields.document:
                raise fields.error("status", "missing; write good, warning, bad or none")
            return item
        return self._with_files(fields, item)

    def _refuse_second(self, fields: Fields, item: Item, index: int) -> None:
        identity = (item.kind, item.name, tuple(sorted(item.by.items(), key=repr)))
        first = self.seen.setdefault(identity, index)
        if first != index:
            raise fields.error("name", f"items[{first}] has the same kind, name and by; give each its own")

    def _with_files(self, fields: Fields, item: Item) -> Item:
        expect = fields.integer("expect", 0, MAX_FILES)
        files = self._files(fields, expect)
        log = fields.text("log", 3)
        if any(axis not in "xyz" for axis in log):
            raise fields.wrong("log", log, "the axes to draw with a logarithmic scale, such as z")
        return replace(
            item,
            files=tuple(files),
            expect=expect,
            objects=tuple(fields.texts("objects", MAX_FILES)),
            draw=fields.text("draw"),
            log=log,
            rows=fields.text("rows"),
            columns=fields.text("columns"),
        )

    def _files(self, fields: Fields, expect: Optional[int]) -> list[FileRef]:
        value = fields.document.get("files")
        entries = value if isinstance(value, list) else [value]
        if value is None or len(entries) > MAX_PATTERNS:
            raise fields.wrong("files", value, f"a file name or pattern, or a list of at most {MAX_PATTERNS}")
        found: dict[str, FileRef] = {}
        for index, entry in enumerate(entries):
            for reference in self._expand(fields, f"files[{index}]" if entries is value else "files", entry):
                found.setdefault(reference.path, reference)
        if not found and expect != 0:
            raise self._nothing(fields, expect)
        if len(found) > self.files_left:
            raise fields.error("files", f"{len(found)} files, {self.files_left} more are allowed in this result")
        self.files_left -= len(found)
        return list(found.values())

    def _expand(self, fields: Fields, name: str, entry: Any) -> list[FileRef]:
        if isinstance(entry, dict):
            return [self._reference(Fields(entry, fields.path(name)))]
        if not isinstance(entry, str):
            raise fields.wrong(name, entry, "a file name or a pattern such as hits_{plane:a}{apa:d}.png")
        try:
            pattern = parse(entry)
        except PatternError as error:
            raise fields.error(name, f"{describe(entry)}: {error}") from None
        self._spend(fields, name, pattern)
        return [FileRef(path, by) for path, by in select(pattern, self.names)]

    def _spend(self, fields: Fields, name: str, pattern: Pattern) -> None:
        self.work_left -= pattern.work(self.names)
        if self.work_left < 0:
            raise fields.error(name, "too many patterns for too many files in one result; write plain file names")

    def _reference(self, fields: Fields) -> FileRef:
        fields.only(("path", "by"))
        path = fields.document.get("path")
        if not isinstance(path, str):
            raise fields.wrong("path", path, "a file name")
        problem = name_problem(path)
        if problem:
            raise fields.error("path", f"{describe(path)}: {problem}")
        if path not in self.names:
            raise fields.error("path", f"{describe(path)} is not among the files of the result")
        return FileRef(path, fields.coordinates("by"))

    def _nothing(self, fields: Fields, expect: Optional[int]) -> ResultError:
        wanted = f"none of {expect} expected files is there: " if expect else ""
        there = ", ".join(ascii(name)[1:-1] for name in sorted(self.names)[:3]) or "no files"
        pattern = describe(fields.document.get("files"))
        return fields.error("files", f"{wanted}nothing fits {pattern}; the result directory has {there[:200]}")


def _kind(fields: Fields) -> str:
    kind = fields.document.get("kind")
    if isinstance(kind, str) and kind in LATER_KINDS:
        raise fields.error("kind", f"'{kind}' is not shown yet; this p3s shows {', '.join(KINDS)}")
    if not isinstance(kind, str) or kind not in KINDS:
        raise fields.wrong("kind", kind, "one of " + ", ".join(KINDS))
    return kind


def _identity(fields: Fields, index: int) -> Item:
    """As much of a bad item's identity as can be read."""
    kind, name, by = "unknown", f"item {index + 1}", {}
    try:
        kind = fields.required_text("kind", 40)
        name = fields.required_text("name")
        by = fields.coordinates("by")
    except ResultError:
        pass  # what was read before the wrong field names the hole
    return Item(kind, name, by)


def _number(fields: Fields, item: Item) -> Item:
    if "value" not in fields.document:
        raise fields.error("value", "missing; write a number, or null where there is none")
    value, good, warn = fields.number("value"), fields.limits("good"), fields.limits("warn")
    if good and warn and not _contains(warn, good):
        raise fields.error("warn", "narrower than good; outside good is a warning, outside the wider warn is bad")
    return replace(
        item,
        value=value,
        error=fields.number("error"),
        unit=fields.text("unit"),
        good=good,
        warn=warn,
        drift=fields.pair("drift"),
        status=worst((item.status, number_status(value, good, warn))),
    )


def _contains(outer: Limits, inner: Limits) -> bool:
    low = outer[0] is None or (inner[0] is not None and outer[0] <= inner[0])
    high = outer[1] is None or (inner[1] is not None and outer[1] >= inner[1])
    return low and high


def _inside(value: float, limits: Limits) -> bool:
    low, high = limits
    return (low is None or value >= low) and (high is None or value <= high)
