"""Stream files: what people write, checked with file and line, and what the server is told of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from p3s.client import descriptions
from p3s.client.document import Field, load
from p3s.client.mistakes import Mistakes
from p3s.protocol import data_bounds
from p3s.protocol.bounds import check_jobtype
from p3s.protocol.data import DatasetRequest, DimensionSpec, LimitSpec, StreamJob, StreamSpec, Take
from p3s.protocol.errors import BadInput
from p3s.protocol.mistakes import said
from p3s.protocol.patterns import Pattern, PatternError, parse
from p3s.protocol.result_bounds import check_dimension, check_limit

from . import jobs
from .places import Place, beside, split
from .rules import DELETE, LEAVE, MOVE, After, Beside, Bound, Complete, Ignore, Rules, Scan, Sidecar

T = TypeVar("T")

SECTIONS = ("streams", "jobtypes", "dimensions", "limits")
OF_THE_SERVER = ("take", "waiting", "env", "jobs", "payload", "gather", "workflow", "parameters")
OF_A_STREAM = (
    *("files", "complete", "ignore", "scan", "sidecar", "checksum", "datatype", "input_after"),
    *OF_THE_SERVER,
)

COMPLETE_LIKE = '{rested: 30s}, {marker: "{name}.done"} or, if files are renamed into place, {renamed: true}'


@dataclass(frozen=True)
class Watched:
    """One stream: where its files lie and how they are named, the rules for them, and what the server makes of them."""

    place: Place
    pattern: Pattern
    spec: StreamSpec
    rules: Rules = field(default_factory=Rules)
    datatype: str = ""

    @cached_property
    def companions(self) -> list[Beside]:
        """Files that go with each of its files: its marker, its side-car."""
        sidecar = self.rules.sidecar
        return [one for one in (self.rules.complete.marker, sidecar.beside if sidecar else None) if one is not None]

    def takes(self, name: str) -> bool:
        """Whether a name below its place fits, is not hidden, and goes with no other file."""
        hidden = name.startswith(".") or "/." in name
        return (
            not hidden and self.pattern.match(name) is not None and not any(one.may_be(name) for one in self.companions)
        )

    @property
    def depth(self) -> int:
        """How many directories below its place its files, and those that go with them, may lie."""
        below = max((one.text.count("/") for one in self.companions), default=0)
        return self.pattern.text.count("/") + below


@dataclass(frozen=True)
class StreamFile:
    """All of a file. `jobtypes`: settings by name of type; what is left out of a type stays as it is."""

    path: Path
    streams: list[Watched]
    jobtypes: dict[str, dict[str, Any]] = field(default_factory=dict)
    dimensions: list[DimensionSpec] = field(default_factory=list)
    limits: list[LimitSpec] = field(default_factory=list)


def read(path: Path) -> StreamFile:
    """A stream file. Raises BadInput with all mistakes, each with its line and what to write instead."""
    whole = load(path)
    named = whole.value.get("streams") if isinstance(whole.value, dict) else None
    if named is None or not isinstance(named.value, dict) or not named.value:
        raise BadInput(f"{path}: must begin with streams: and name at least one; p3s watcher start --help has one")
    with Mistakes() as wrong:
        sections = wrong.known(whole, SECTIONS, "streams and more")
        jobtypes, dimensions, limits = (wrong.names(sections.get(name), like) for name, like in _LIKE.items())
        return StreamFile(
            path,
            [*wrong.each(_stream, named.value).values()],
            wrong.each(_jobtype, jobtypes),
            [*wrong.each(_dimension, dimensions).values()],
            [*wrong.each(_limit, limits).values()],
        )


_LIKE = {
    "jobtypes": "like {evdisp: {priority: 5, cap: 40}}",
    "dimensions": "like {apa: {order: [3, 2, 1]}}",
    "limits": "like {Purity/lifetime: {good: [0.3, null]}}",
}


def dataset_of(stream: Watched, name: str) -> DatasetRequest | None:
    """What a file of the stream's place is to it; None for one whose name does not fit, or that goes with another."""
    fields = stream.pattern.match(name) if stream.takes(name) else None
    if fields is None:
        return None
    run, subrun = fields.pop("run", None), fields.pop("subrun", None)
    return DatasetRequest(
        url=stream.place.url(name),
        stream=stream.spec.name,
        name=name.rpartition("/")[2],
        run=run if isinstance(run, int) else None,
        subrun=subrun if isinstance(subrun, int) else None,
        keys=dict(fields),
        datatype=stream.datatype,
    )


# ---- a stream


def _stream(field: Field) -> Watched:
    with Mistakes() as wrong:
        rule = wrong.known(field, OF_A_STREAM, "a rule: it must have files and a payload, or jobs")
        whole = not wrong
        name = _own_name(field)
        if not name or "/" in name or len(name) > 80:
            what = "is not a stream's name; use at most 80 characters, none of them a slash"
            wrong.note(field.line, field.wrong(what))
        wrong.required(field, "files", OF_A_STREAM, "is required, like /data/raw/run{run:d}_{subrun:d}.root")
        found = wrong.read(split, rule.get("files"), None)
        spec = _spec(name, rule, field, wrong, whole)
        rules = _rules(rule, wrong)
        datatype = wrong.read(Field.text, rule.get("datatype"), "")
        wrong.refuse()
        assert found is not None, "or why not was told"
        watched = Watched(*found, spec, rules, datatype)
        if "sidecar" not in rule:
            wrong.read(partial(_check_gathered, watched), rule.get("gather"), None)
        after = wrong.read(partial(_after, watched), rule.get("input_after"), After())
        return replace(watched, rules=replace(rules, after=after))


def _check_gathered(stream: Watched, field: Field) -> None:
    """What results are gathered by is in the names of the files, when nothing else says more of them."""
    with Mistakes() as wrong:
        for name, gather in stream.spec.gather.items():
            needed = {"subrun": ("run", "subrun")}.get(gather.by, (gather.by,))
            lacking = [one for one in needed if one not in stream.pattern.fields]
            if lacking:
                others = f", or gather by {' or '.join(stream.pattern.fields)}" if stream.pattern.fields else ""
                place = field.at(f"{name}.by")
                said = f"gathers by {gather.by}, and files has no {lacking[0]}; write {{{lacking[0]}:d}} there{others}"
                wrong.note(place.line, place.wrong(said))


def _spec(name: str, rule: dict[str, Field], field: Field, wrong: Mistakes, whole: bool) -> StreamSpec:
    """`whole`: all its words are known, so that none may be one that is not there."""
    before = len(wrong)
    made = _made(name, rule, field, wrong, whole)
    gathers = wrong.names(rule.get("gather"), "job types, each with a payload")
    spec = StreamSpec(
        name,
        made,
        str(rule["files"].value) if "files" in rule else "",
        wrong.environment(rule.get("env")),
        wrong.read(jobs.take, rule.get("take"), Take()),
        wrong.read(jobs.waiting, rule.get("waiting"), None),
        wrong.each(jobs.gather, gathers),
        wrong.read(Field.text, rule.get("workflow"), ""),
        wrong.read(jobs.parameters, rule.get("parameters"), {}),
    )
    if len(wrong) == before and whole:
        for mistake in data_bounds.stream_mistakes(spec):
            wrong.note(*_placed(mistake, field))
    return spec


def _made(name: str, rule: dict[str, Field], field: Field, wrong: Mistakes, whole: bool) -> dict[str, StreamJob]:
    """The jobs of a file: one payload, several job types, or none for a workflow."""
    if whole and len({"payload", "jobs", "workflow"} & set(rule)) != 1:
        wrong.note(field.line, field.wrong("must have either a payload or jobs, or a workflow"))
    if whole and "parameters" in rule and "workflow" not in rule:
        own = rule["parameters"]
        wrong.note(own.line, own.wrong("are those of a workflow; this stream starts none"))
    if "payload" in rule:
        only = replace(field, value={"payload": rule["payload"]}, name=f"{field.name}.jobs.{name}")
        return wrong.each(jobs.job, {name: only})
    return wrong.each(jobs.job, wrong.names(rule.get("jobs"), jobs.LIKE_JOBS))


def _placed(mistake: str, field: Field) -> tuple[int, BadInput]:
    """What the server would refuse, with its line."""
    path, _, what = mistake.partition(": ")
    place = field.at(path)
    return place.line, BadInput(f"{place.file}:{place.line}: {field.name}.{path}: {what}")


def _checked(spec: T, check: Callable[[T], None], field: Field) -> T:
    """What the server would refuse is refused with its line."""
    with Mistakes() as wrong:
        for mistake in said(check, spec):
            wrong.note(*_placed(mistake, field))
    return spec


# ---- its rules


def _rules(rule: dict[str, Field], wrong: Mistakes) -> Rules:
    """All but what becomes of its files after use."""
    return Rules(
        wrong.read(_complete, rule.get("complete"), Complete()),
        wrong.read(_ignore, rule.get("ignore"), Ignore()),
        wrong.read(_scan, rule.get("scan"), Scan()),
        wrong.read(_sidecar, rule.get("sidecar"), None),
        wrong.read(Field.yes, rule.get("checksum"), False),
    )


def _complete(field: Field) -> Complete:
    rule = field.known(("rested", "marker", "renamed"), COMPLETE_LIKE)
    if len(rule) != 1:
        raise field.wrong(f"must be one of {COMPLETE_LIKE}")
    if "rested" in rule:
        return Complete(rule["rested"].seconds())
    if "marker" in rule:
        return Complete(marker=_beside(rule["marker"]))
    if not rule["renamed"].yes():
        raise rule["renamed"].wrong("says nothing when it is false; write {rested: 30s}")
    return Complete(0.0)


def _beside(field: Field) -> Beside:
    text = field.text('must be a name like "{name}.done"')
    bare = text.replace("{name}", "", 1) if "{name}" in text else text.replace("{stem}", "", 1)
    if bare == text or not bare or set("{}") & set(bare) or text.startswith("/") or ".." in text.split("/"):
        raise field.wrong(
            f'{text!r} is not a name beside the file; write "{{name}}.done", or with {{stem}}, '
            "the name without extension"
        )
    return Beside(text)


def _ignore(field: Field) -> Ignore:
    with Mistakes() as wrong:
        rule = wrong.known(field, ("below", "above", "older", "younger", "names"), "like {below: 7GB, older: 14m}")
        return Ignore(
            wrong.read(_size, rule.get("below"), None),
            wrong.read(_size, rule.get("above"), None),
            wrong.read(_age, rule.get("older"), None),
            wrong.read(_age, rule.get("younger"), None),
            wrong.read(_names, rule.get("names"), ()),
        )


def _size(field: Field) -> Bound:
    return Bound(field.size(), field.written)


def _age(field: Field) -> Bound:
    return Bound(field.seconds(), field.written)


def _names(field: Field) -> tuple[Pattern, ...]:
    return tuple(map(_pattern, field.items('["test_*"]')))


def _pattern(field: Field) -> Pattern:
    try:
        return parse(field.text('must be a name like "test_*"'))
    except PatternError as error:
        raise field.wrong(str(error)) from None


def _scan(field: Field) -> Scan:
    with Mistakes() as wrong:
        rule = wrong.known(field, ("every", "at_most", "order"), "like {every: 15s, at_most: 5, order: newest}")
        order = wrong.read(lambda one: one.word(("newest", "oldest")), rule.get("order"), "")
        return Scan(
            wrong.read(_every, rule.get("every"), Scan().every_s),
            wrong.read(lambda one: one.whole(1), rule.get("at_most"), None),
            order == "newest" if order else None,
        )


def _every(field: Field) -> float:
    every_s = field.seconds()
    if every_s < 0.1:
        raise field.wrong("is too often; write 1s or longer")
    return every_s


def _sidecar(field: Field) -> Sidecar:
    if isinstance(field.value, str):
        return Sidecar(_beside(field))
    rule = field.known(("name", "wait"), 'a name like "{name}.json", or {name: "{name}.json", wait: 1m}')
    if "name" not in rule:
        raise field.wrong('must have a name, like "{name}.json"')
    return Sidecar(_beside(rule["name"]), rule["wait"].seconds() if "wait" in rule else Sidecar(Beside("")).wait_s)


def _after(stream: Watched, field: Field) -> After:
    like = "leave, delete, {move_to: ../used} or {delete: true, failed_too: true}"
    if isinstance(field.value, str):
        if field.value not in (LEAVE, DELETE):
            raise field.wrong(f"must be {like}")
        return After(field.value)
    rule = field.known(("move_to", "delete", "failed_too"), like)
    failed_too = rule["failed_too"].yes() if "failed_too" in rule else False
    if ("move_to" in rule) == ("delete" in rule):
        raise field.wrong(f"must be {like}")
    if "delete" in rule:
        return After(DELETE if rule["delete"].yes() else LEAVE, "", failed_too)
    target = beside(rule["move_to"], stream.place, rule["move_to"].text("must be a directory, like ../used"))
    if stream.depth and target.startswith(f"{stream.place.root}/"):
        raise rule["move_to"].wrong("lies in the watched directory, so files would be found again; name one beside it")
    return After(MOVE, target, failed_too)


# ---- the other sections


def _jobtype(field: Field) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with Mistakes() as wrong:
        wrong.known(field, descriptions.SETTINGS, _LIKE["jobtypes"])
        for name, one in field.value.items() if not wrong else ():
            with wrong.noted(one.line):
                found |= descriptions.settings({name: one.plain}, field.where)
    _checked(descriptions.job_type(_own_name(field), found), check_jobtype, field)
    return found


def _own_name(field: Field) -> str:
    """Without that of its section."""
    return field.name.partition(".")[2]


def _dimension(field: Field) -> DimensionSpec:
    rule = field.known(("order", "labels"), "like {order: [3, 2, 1], labels: {3: APA3}}")
    order = [one.written for one in rule["order"].items("[3, 2, 1]")] if "order" in rule else []
    named = rule["labels"].names("values and names, like {3: APA3}") if "labels" in rule else {}
    labels = {key: one.written for key, one in named.items()}
    return _checked(DimensionSpec(_own_name(field), tuple(order), labels), check_dimension, field)


def _limit(field: Field) -> LimitSpec:
    category, slash, item = _own_name(field).partition("/")
    if not slash or not category or not item:
        raise field.wrong("must be named as a category and an item, like Purity/lifetime")
    rule = field.known(("good", "warn", "drift"), "like {good: [0.3, null], warn: [0.1, null]}")
    drift = rule.get("drift")
    spec = LimitSpec(
        category,
        item,
        _pair(rule.get("good")),
        _pair(rule.get("warn")),
        None if drift is None else _two(drift, "[0.2, 0.5]", null=False),
    )
    return _checked(spec, check_limit, field)


def _pair(field: Field | None) -> Any:
    return None if field is None else _two(field, "[0.3, null]")


def _two(field: Field, like: str, null: bool = True) -> Any:
    """A lower and an upper number, either of which may be null."""
    items = field.items(like)
    numbers = [one.value for one in items]
    good = [isinstance(n, (int, float)) and not isinstance(n, bool) for n in numbers]
    if len(items) != 2 or not all(fine or (null and n is None) for fine, n in zip(good, numbers, strict=True)):
        raise field.wrong(f"must be two numbers, like {like}, not {field.shown}")
    return tuple(None if n is None else float(n) for n in numbers)
