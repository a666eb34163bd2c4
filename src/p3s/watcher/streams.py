"""Stream files: what people write, checked with file and line, and what the server is told of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from p3s.client import descriptions
from p3s.client.document import Field, load
from p3s.protocol import data_bounds
from p3s.protocol.bounds import check_jobtype
from p3s.protocol.data import DatasetRequest, DimensionSpec, LimitSpec, StreamSpec
from p3s.protocol.errors import BadInput
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
    """A stream file. Raises BadInput that says where and what to write instead."""
    whole = load(path)
    named = whole.value.get("streams") if isinstance(whole.value, dict) else None
    if named is None or not isinstance(named.value, dict) or not named.value:
        raise BadInput(f"{path}: must begin with streams: and name at least one; p3s watcher start --help has one")
    sections = whole.known(SECTIONS, "streams and more")
    return StreamFile(
        path,
        [_stream(name, field) for name, field in named.value.items()],
        _jobtypes(sections.get("jobtypes")),
        [_dimension(*one) for one in _entries(sections, "dimensions", "like {apa: {order: [3, 2, 1]}}")],
        [_limit(*one) for one in _entries(sections, "limits", "like {Purity/lifetime: {good: [0.3, null]}}")],
    )


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


def _stream(name: str, field: Field) -> Watched:
    if not name or "/" in name or len(name) > 80:
        raise field.wrong("is not a stream's name; use at most 80 characters, none of them a slash")
    rule = field.known(OF_A_STREAM, "a rule: it must have files and a payload, or jobs")
    if "files" not in rule:
        raise BadInput(f"{field.where}.files: is required, like /data/raw/run{{run:d}}_{{subrun:d}}.root")
    place, pattern = split(rule["files"])
    watched = Watched(place, pattern, _spec(name, rule, field), Rules(), _text(rule, "datatype"))
    if "sidecar" not in rule:
        _check_gathered(watched, rule.get("gather"))
    return replace(watched, rules=_rules(rule, watched))


def _check_gathered(stream: Watched, field: Field | None) -> None:
    """What results are gathered by is in the names of the files, when nothing else says more of them."""
    for name, gather in stream.spec.gather.items():
        needed = {"subrun": ("run", "subrun")}.get(gather.by, (gather.by,))
        lacking = [one for one in needed if one not in stream.pattern.fields]
        if lacking and field is not None:
            others = f", or gather by {' or '.join(stream.pattern.fields)}" if stream.pattern.fields else ""
            raise field.at(f"{name}.by").wrong(
                f"gathers by {gather.by}, and files has no {lacking[0]}; write {{{lacking[0]}:d}} there{others}"
            )


def _text(rule: dict[str, Field], name: str) -> str:
    return rule[name].text() if name in rule else ""


def _spec(name: str, rule: dict[str, Field], field: Field) -> StreamSpec:
    spec = StreamSpec(
        name,
        _made(name, rule, field),
        _text(rule, "files"),
        rule["env"].environment() if "env" in rule else {},
        jobs.take(rule.get("take")),
        jobs.waiting(rule.get("waiting")),
        {key: jobs.gather(one) for key, one in _entries(rule, "gather", "job types, each with a payload")},
        _text(rule, "workflow"),
        jobs.parameters(rule.get("parameters")),
    )
    return _checked(spec, data_bounds.check_stream, field)


def _made(name: str, rule: dict[str, Field], field: Field) -> dict[str, Any]:
    """The jobs of a file: one payload, several job types, or none for a workflow."""
    if len({"payload", "jobs", "workflow"} & set(rule)) != 1:
        raise field.wrong("must have either a payload or jobs, or a workflow")
    if "parameters" in rule and "workflow" not in rule:
        raise rule["parameters"].wrong("are those of a workflow; this stream starts none")
    if "payload" in rule:
        return {name: jobs.job(replace(field, value={"payload": rule["payload"]}, name=f"{field.name}.jobs.{name}"))}
    return {key: jobs.job(one) for key, one in _entries(rule, "jobs", jobs.LIKE_JOBS)}


def _checked(spec: T, check: Callable[[T], None], field: Field) -> T:
    """What the server would refuse is refused with its line."""
    try:
        check(spec)
    except BadInput as error:
        path, _, what = str(error).partition(": ")
        place = field.at(path)
        raise BadInput(f"{place.file}:{place.line}: {field.name}.{path}: {what}") from None
    return spec


def _entries(rule: dict[str, Field], name: str, like: str) -> list[tuple[str, Field]]:
    return list(rule[name].names(like).items()) if name in rule else []


# ---- its rules


def _rules(rule: dict[str, Field], stream: Watched) -> Rules:
    return Rules(
        _complete(rule.get("complete")),
        _ignore(rule.get("ignore")),
        _scan(rule.get("scan")),
        _sidecar(rule.get("sidecar")),
        rule["checksum"].yes() if "checksum" in rule else False,
        _after(rule.get("input_after"), stream),
    )


def _complete(field: Field | None) -> Complete:
    if field is None:
        return Complete()
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


def _ignore(field: Field | None) -> Ignore:
    if field is None:
        return Ignore()
    rule = field.known(("below", "above", "older", "younger", "names"), "like {below: 7GB, older: 14m}")
    names = rule["names"].items('["test_*"]') if "names" in rule else []
    return Ignore(
        _size(rule.get("below")),
        _size(rule.get("above")),
        _age(rule.get("older")),
        _age(rule.get("younger")),
        tuple(map(_pattern, names)),
    )


def _size(field: Field | None) -> Bound | None:
    return None if field is None else Bound(field.size(), field.written)


def _age(field: Field | None) -> Bound | None:
    return None if field is None else Bound(field.seconds(), field.written)


def _pattern(field: Field) -> Pattern:
    try:
        return parse(field.text('must be a name like "test_*"'))
    except PatternError as error:
        raise field.wrong(str(error)) from None


def _scan(field: Field | None) -> Scan:
    if field is None:
        return Scan()
    rule = field.known(("every", "at_most", "order"), "like {every: 15s, at_most: 5, order: newest}")
    every_s = rule["every"].seconds() if "every" in rule else Scan().every_s
    if every_s < 0.1:
        raise rule["every"].wrong("is too often; write 1s or longer")
    newest_first = rule["order"].word(("newest", "oldest")) == "newest" if "order" in rule else None
    return Scan(every_s, rule["at_most"].whole(1) if "at_most" in rule else None, newest_first)


def _sidecar(field: Field | None) -> Sidecar | None:
    if field is None:
        return None
    if isinstance(field.value, str):
        return Sidecar(_beside(field))
    rule = field.known(("name", "wait"), 'a name like "{name}.json", or {name: "{name}.json", wait: 1m}')
    if "name" not in rule:
        raise field.wrong('must have a name, like "{name}.json"')
    return Sidecar(_beside(rule["name"]), rule["wait"].seconds() if "wait" in rule else Sidecar(Beside("")).wait_s)


def _after(field: Field | None, stream: Watched) -> After:
    if field is None:
        return After()
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


def _jobtypes(field: Field | None) -> dict[str, dict[str, Any]]:
    if field is None:
        return {}
    like = "like {evdisp: {priority: 5, cap: 40}}"
    found = {}
    for name, one in field.names(like).items():
        one.known(descriptions.SETTINGS, like)
        found[name] = descriptions.settings(one.plain, one.where)
        _checked(descriptions.job_type(name, found[name]), check_jobtype, one)
    return found


def _dimension(name: str, field: Field) -> DimensionSpec:
    rule = field.known(("order", "labels"), "like {order: [3, 2, 1], labels: {3: APA3}}")
    order = [one.written for one in rule["order"].items("[3, 2, 1]")] if "order" in rule else []
    labels = {key: one.written for key, one in _entries(rule, "labels", "values and names, like {3: APA3}")}
    return _checked(DimensionSpec(name, tuple(order), labels), check_dimension, field)


def _limit(name: str, field: Field) -> LimitSpec:
    category, slash, item = name.partition("/")
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
