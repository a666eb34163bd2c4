"""What payloads of 2018 left for people, as results of ours.

A result was two files then. A summary, `run005077_0045_dl08_summary.json`: a list of dictionaries of quantities, their
values as text, separated by commas for each APA. A file list, `..._FileList.json`: a list of categories, each with
groups of pictures, separated by commas. `translate` makes documents of them that `results.check` judges as any other.
"""

import datetime
import math
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Callable, Optional, Union

from p3s.protocol.patterns import Coordinate
from p3s.protocol.result_fields import MAX_TEXT, bad_character
from p3s.protocol.result_kinds import MAX_CELLS, MAX_COLUMNS, MAX_ROWS
from p3s.protocol.results import MAX_ITEMS, RESULT_VERSION

SUMMARY = "_summary.json"
FILE_LIST = "_FileList.json"

SUMMARY_TABLE = "Summary"
"""The name of the table of a summary's quantities."""

#: The fields of a summary that are no quantities; an axis numbers what the commas separate.
AXES = ("APA", "TPC")
_ABOUT = ("run", "TimeStamp", "Type", *AXES)

Local = Callable[[datetime.datetime], datetime.datetime]
Document = dict[str, Any]


def is_classic(name: str) -> bool:
    """Whether a file of this name is one of such a pair."""
    return name.endswith((SUMMARY, FILE_LIST))


def is_written_so(name: str, documents: "list[Any]") -> bool:
    """Whether the content is that of 2018 too: other programs call their files so as well."""
    wanted = "run" if name.endswith(SUMMARY) else "Category"
    return bool(documents) and all(isinstance(entry, dict) and wanted in entry for entry in documents)


@dataclass(frozen=True)
class Origin:
    """Where data comes from, as far as 2018's files say; `time` is RFC 3339 or empty."""

    run: Optional[int] = None
    subrun: Optional[int] = None
    keys: "tuple[tuple[str, int], ...]" = ()
    time: str = ""

    @property
    def place(self) -> "tuple[Any, ...]":
        return self.run, self.subrun, self.keys


_RUN = re.compile(r"run_?(\d{1,18})(?:_(\d{1,18}))?(?:_dl(\d{1,18}))?", re.IGNORECASE)


def origin_of(text: object, time: str = "") -> Origin:
    """Run 5077, subrun 45, data logger 8 of `run005077_0045_dl08`, wherever it stands in the text; a bare number is
    a run."""
    words = str(text) if isinstance(text, (str, int)) and not isinstance(text, bool) else ""
    bare = words.strip()
    if bare.isascii() and bare.isdigit() and len(bare) <= 18:
        return Origin(int(bare), time=time)
    found = _RUN.search(words[:1000])
    if not found:
        return Origin(time=time)
    run, subrun, logger = (None if part is None else int(part) for part in found.groups())
    return Origin(run, subrun, () if logger is None else (("dl", logger),), time)


# ---- documents


@dataclass
class _Gathered:
    """The documents by category and place: what one job says about one, is one result."""

    documents: "dict[tuple[Any, ...], Document]" = field(default_factory=dict)
    sources: "dict[tuple[Any, ...], list[str]]" = field(default_factory=dict)

    def add(self, source: str, category: str, origin: Origin, items: "Iterable[Document]", comment: str = "") -> None:
        key = (category, *origin.place)
        document = self.documents.setdefault(key, _document(category, origin, comment))
        if origin.time:
            document.setdefault("time", origin.time)
        self.sources.setdefault(key, []).append(source)
        tables = sum(1 for item in document["items"] if item["kind"] == "table")
        for item in items:
            if len(document["items"]) > MAX_ITEMS:  # one too many, so that the whole is refused and says why
                break
            if item["kind"] == "table":
                tables += 1
                item = {**item, "name": SUMMARY_TABLE if tables == 1 else f"{SUMMARY_TABLE} {tables}"}
            document["items"].append(item)


def translate(
    summaries: "dict[str, list[Document]]", lists: "dict[str, list[Document]]", names: Collection[str], local: Local
) -> "list[tuple[str, Document]]":
    """(files it comes from, document) of every result that the decoded files make.

    `names` are the files that are there; `local` gives a moment without a zone the one of the node that wrote it.
    """
    gathered = _Gathered()
    origins: dict[str, Origin] = {}
    for source, entries in sorted(summaries.items()):
        for entry in entries:
            time, remark = _time(entry.get("TimeStamp"), local)
            origin = origin_of(entry.get("run"), time)
            origins.setdefault(source, origin)
            category = _words(entry.get("Type")) or "Summary"
            gathered.add(source, category, origin, _quantities(entry), remark)
    for source, entries in sorted(lists.items()):
        origin = _origin_of_list(source, origins)
        for entry in entries:
            own = origin_of(entry["run"], _time(entry.get("TimeStamp"), local)[0]) if "run" in entry else origin
            gathered.add(source, _words(entry.get("Category")), own, _groups(entry.get("Files"), names))
    return [(" and ".join(gathered.sources[key]), document) for key, document in gathered.documents.items()]


def _document(category: str, origin: Origin, comment: str) -> Document:
    document: Document = {"p3s_result": RESULT_VERSION, "category": category, "items": []}
    for name, value in (("run", origin.run), ("subrun", origin.subrun), ("keys", dict(origin.keys))):
        if value is not None and value != {}:
            document[name] = value
    return {**document, "comment": comment} if comment else document


def _origin_of_list(source: str, origins: "dict[str, Origin]") -> Origin:
    """A file list says nothing of its run: the summary beside it does, or its own name, or the only summary."""
    twin = origins.get(source[: -len(FILE_LIST)] + SUMMARY)
    if twin is not None:
        return twin
    own = origin_of(source)
    if own.run is None and len(origins) == 1:
        return next(iter(origins.values()))
    for origin in origins.values():
        if origin.place == own.place:
            return origin
    return own


def _words(text: object) -> str:
    """A name with single blanks: 2018's were aligned by more."""
    return " ".join(text.split()) if isinstance(text, str) else ""


# ---- quantities


@dataclass(frozen=True)
class _Along:
    """A quantity with one value for each of an axis."""

    name: str
    axis: str
    labels: "list[Coordinate]"
    numbers: "list[Any]"

    @property
    def fits_a_table(self) -> bool:
        """Else each number stands for itself, and what is wrong with one is said of it alone."""
        named = bool(self.name) and len(self.name) <= MAX_TEXT and not bad_character(self.name, lines=False)
        labels = [str(label) for label in self.labels]
        return named and all(labels) and len(set(labels)) == len(labels) <= MAX_ROWS

    def items(self) -> "Iterator[Document]":
        """A number for each."""
        for number, label in zip(self.numbers, self.labels):
            yield {"kind": "number", "name": self.name, "by": {self.axis: label}, "value": number}


def _quantities(entry: Document) -> "list[Document]":
    """The items of one dictionary; what commas separate makes a table, as 2018's pages showed it."""
    axes = {axis.lower(): _axis(entry[axis]) for axis in AXES if axis in entry}
    items: list[Document] = []
    tables: dict[str, Document] = {}
    cells = 0
    for name, value in entry.items():
        if name in _ABOUT or len(items) > MAX_ITEMS:
            continue
        found = _quantity(_words(name), value, axes)
        if not isinstance(found, _Along):
            items.append(found)
            continue
        table = tables.get(found.axis)
        cells += len(found.numbers)
        if not found.fits_a_table or cells > MAX_CELLS or (table and found.name in table["columns"]):
            items += found.items()
            continue
        if table is None or len(table["columns"]) == MAX_COLUMNS:
            table = tables[found.axis] = {"kind": "table", "name": SUMMARY_TABLE, "rows": found.axis, "columns": {}}
            table["values"] = {str(label): [] for label in found.labels}
            items.append(table)
        table["columns"][found.name] = {}
        for label, number in zip(found.labels, found.numbers):
            table["values"][str(label)].append(number)
    return items


def _axis(value: object) -> "list[Coordinate]":
    parts = _parts(value)
    return [int(part) if re.fullmatch(r"[0-9]{1,18}", part) else part for part in parts]


def _parts(value: object) -> "list[str]":
    """What commas separate, one more at most than any result holds."""
    entries = value if isinstance(value, list) else str(value).split(",", MAX_ITEMS + 1)
    return [str(entry).strip() for entry in entries[: MAX_ITEMS + 1]]


def _quantity(name: str, value: object, axes: "dict[str, list[Coordinate]]") -> "Union[Document, _Along]":
    """One number, or one for each of an axis; words as they are."""
    parts = _parts(value)
    numbers = [_number(part) for part in parts]
    if any(isinstance(number, str) for number in numbers):
        return {"kind": "check", "name": name, "status": "none", "comment": str(value)[:2000]}
    if len(numbers) == 1:
        return {"kind": "number", "name": name, "value": numbers[0]}
    fitting = [(axis, along) for axis, along in axes.items() if len(along) == len(numbers)]
    if axes and not fitting:
        said = " and ".join(f"{len(along)} of {axis.upper()}" for axis, along in axes.items())
        problem = f"{len(numbers)} values for {said}; write one value for each"
        return {"kind": "number", "name": name, "problem": problem}
    unnamed: tuple[str, list[Coordinate]] = ("apa", list(range(1, len(numbers) + 1)))
    axis, along = fitting[0] if fitting else unnamed
    return _Along(name, axis, along, numbers)


def _number(part: str) -> "Union[float, str, None]":
    """A finite number; None for one that is missing or none; what is no number comes back as it is."""
    if part.lower() in ("", "none", "null", "n/a"):
        return None
    if len(part) > 40 or "_" in part or not part.isascii():
        return part
    try:
        number = float(part)
    except ValueError:
        return part
    if not math.isfinite(number):
        return None
    return int(part) if re.fullmatch(r"[+-]?[0-9]{1,18}", part) else number


# ---- files


def _groups(files: object, names: Collection[str]) -> "Iterator[Document]":
    if not isinstance(files, dict):
        yield {"kind": "images", "name": "Files", "problem": 'Files: write {"a group": "one.png,two.png"}'}
        return
    for group, value in files.items():
        listed = list(dict.fromkeys(part[2:] if part.startswith("./") else part for part in _parts(value) if part))
        rooted = [name for name in listed if name.endswith(".root")]
        pictures = [name for name in listed if not name.endswith(".root")]
        if pictures or not rooted:
            yield _shown("images", _words(group), pictures, names)
        if rooted:
            yield _shown("root", _words(group), rooted, names)


def _shown(kind: str, name: str, listed: "list[str]", names: Collection[str]) -> Document:
    """In the order of the list, as 2018 showed them; what is not there is seen to be missing."""
    there = [one for one in listed if one in names]
    if not there:
        said = ", ".join(ascii(one)[1:-1] for one in listed[:3])[:300]
        problem = f"none of its {len(listed)} files is there: {said}" if listed else "no file is named"
        return {"kind": kind, "name": name, "problem": problem}
    return {
        "kind": kind,
        "name": name,
        "files": [{"path": one, "by": {}} for one in there],
        "expect": len(listed),
    }


# ---- time

_ASCTIME = re.compile(
    r"(?:[A-Za-z]{3}\.? )?([A-Za-z]{3}) (\d{1,2}) (\d\d:\d\d:\d\d)(?: (AM|PM))?(?: ([A-Z]{2,5}))? (\d{4})"
)
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})? ?(Z|UTC|[+-]\d\d:?\d\d)?")
_HOURS = {"UTC": 0, "GMT": 0, "Z": 0, "CET": 1, "CEST": 2, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5}
"""Zones of the sites that write such files; any other is left to the node that wrote it."""


def _time(value: object, local: Local) -> "tuple[str, str]":
    """(RFC 3339 or empty, remark): a time that cannot be read is kept as words."""
    text = _words(value)[:200]
    if not text:
        return "", ""
    try:
        moment = _moment(text)
        if moment is None:
            raise ValueError
        aware = (moment if moment.tzinfo else local(moment)).astimezone(datetime.timezone.utc)
        return f"{aware.isoformat()[:19]}Z", ""
    except (ValueError, OverflowError, OSError):
        return "", f"time as written: {text}"


def _moment(text: str) -> Optional[datetime.datetime]:
    found = _ASCTIME.fullmatch(text)
    if found:
        month, day, clock, half, zone, year = found.groups()
        form = "%b %d %Y %I:%M:%S %p" if half else "%b %d %Y %H:%M:%S"
        words = f"{month} {day} {year} {clock}" + (f" {half}" if half else "")
        moment = datetime.datetime.strptime(words, form)  # noqa: DTZ007 - the zone is added below
        return _zoned(moment, _HOURS.get(zone or ""))
    found = _ISO.fullmatch(text)
    if not found:
        return None
    day, clock, zone = found.groups()
    moment = datetime.datetime.strptime(f"{day} {clock if len(clock) == 8 else clock + ':00'}", "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
    if zone and zone[0] in "+-":
        sign, digits = (-1 if zone[0] == "-" else 1), zone[1:].replace(":", "")
        return _zoned(moment, sign * (int(digits[:2]) + int(digits[2:]) / 60))
    return _zoned(moment, _HOURS.get(zone or ""))


def _zoned(moment: datetime.datetime, hours: Optional[float]) -> datetime.datetime:
    if hours is None:
        return moment
    return moment.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=hours)))
