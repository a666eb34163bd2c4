"""Reading the items of a result, so that a bad one is refused alone."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, Optional

from p3s.protocol.patterns import Pattern, PatternError, name_problem, parse, select
from p3s.protocol.result_fields import MAX_KIND, Fields, ResultError, describe
from p3s.protocol.result_items import KINDS, MAX_COMMENT, FileRef, Item, refuse
from p3s.protocol.result_kinds import MAX_CELLS, MAX_POINTS, identity, read_graph, read_number, read_table
from p3s.protocol.result_limits import STATUSES

MAX_FILES = 1000  # file references in one result
MAX_PATTERNS = 1000  # in one item
MAX_WORK = 4_000_000  # steps of matching patterns in one result: bounds what a hostile one costs, about 1 s

OF_ANY = ("kind", "name", "by", "status", "comment", "group", "problem")
OF_KIND = {
    "images": ("files", "rows", "columns", "expect"),
    "number": ("value", "error", "unit", "good", "warn", "drift"),
    "table": ("rows", "columns", "values"),
    "root": ("files", "objects", "draw", "log", "rows", "columns", "expect"),
    "graph": ("x", "y", "error", "x_unit", "unit"),
    "check": (),
    "file": ("files", "expect"),
}
"""The fields that items may have: any, and those of a kind."""


class ItemReader:
    """Reads the items of one result, with what they may use together: names, file references, work."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = frozenset(names)
        self.files_left = MAX_FILES
        self.work_left = MAX_WORK
        self.cells_left = MAX_CELLS
        self.points_left = MAX_POINTS
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
        fields.only(OF_ANY + OF_KIND[kind])
        word = fields.word("status", STATUSES, "none")
        item = Item(
            kind=kind,
            name=fields.required_text("name"),
            by=fields.coordinates("by"),
            word=word,
            status=word,
            comment=fields.text("comment", MAX_COMMENT, lines=True),
            group=fields.text("group"),
        )
        self._refuse_second(fields, item, index)
        return self._content(fields, item)

    def _content(self, fields: Fields, item: Item) -> Item:
        """The item with what its kind holds."""
        if item.kind == "number":
            return read_number(fields, item)
        if item.kind == "table":
            read = read_table(fields, item, self.cells_left)
            self.cells_left -= len(read.values) * len(read.table)
            return read
        if item.kind == "graph":
            read = read_graph(fields, item, self.points_left)
            self.points_left -= len(read.x)
            return read
        if item.kind == "check":
            if fields.document.get("status") is None:
                raise fields.error("status", "missing; write good, warning, bad or none")
            return item
        return self._with_files(fields, item)

    def _refuse_second(self, fields: Fields, item: Item, index: int) -> None:
        first = self.seen.setdefault(identity(item.kind, item.name, item.by), index)
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
    if not isinstance(kind, str) or kind not in KINDS:
        raise fields.wrong("kind", kind, "one of " + ", ".join(KINDS))
    return kind


def _identity(fields: Fields, index: int) -> Item:
    """As much of a bad item's identity as can be read."""
    kind, name, by = "unknown", f"item {index + 1}", {}
    try:
        word = fields.document.get("kind")
        kind = fields.text("kind") if isinstance(word, str) and len(word) <= MAX_KIND and word else kind
        name = fields.required_text("name")
        by = fields.coordinates("by")
    except ResultError:
        pass  # what was read before the wrong field names the hole
    return Item(kind, name, by)
