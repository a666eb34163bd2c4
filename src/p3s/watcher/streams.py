"""Stream files: what people write, checked with file and line, and what the server is told of it."""

from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from p3s.client.document import Field, load
from p3s.client.mistakes import Mistakes
from p3s.protocol import data_bounds
from p3s.protocol.data import DatasetRequest, DimensionSpec, LimitSpec, StreamJob, StreamSpec, Take
from p3s.protocol.errors import BadInput
from p3s.protocol.patterns import Pattern

from . import files, jobs, sections
from .places import Place, split
from .rules import After, Beside, Rules

SECTIONS = ("streams", "jobtypes", "dimensions", "limits")
OF_THE_SERVER = ("take", "waiting", "env", "jobs", "payload", "gather", "workflow", "parameters")
OF_A_STREAM = (
    *("files", "complete", "ignore", "scan", "sidecar", "checksum", "datatype", "input_after"),
    *OF_THE_SERVER,
)


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
    streams = whole.value.get("streams") if isinstance(whole.value, dict) else None
    if streams is None or not isinstance(streams.value, dict) or not streams.value:
        raise BadInput(f"{path}: must begin with streams: and name at least one; p3s watcher start --help has one")
    with Mistakes() as wrong:
        named = wrong.known(whole, SECTIONS, "streams and more")
        jobtypes, dimensions, limits = (wrong.names(named.get(name), like) for name, like in sections.LIKE.items())
        return StreamFile(
            path,
            [*wrong.each(_stream, streams.value).values()],
            wrong.each(sections.jobtype, jobtypes),
            [*wrong.each(sections.dimension, dimensions).values()],
            [*wrong.each(sections.limit, limits).values()],
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


def _stream(field: Field) -> Watched:
    with Mistakes() as wrong:
        rule = wrong.known(field, OF_A_STREAM, "a rule: it must have files and a payload, or jobs")
        whole = not wrong
        name = field.own_name
        if not name or "/" in name or len(name) > 80:
            what = "is not a stream's name; use at most 80 characters, none of them a slash"
            wrong.note(field.line, field.wrong(what))
            name = "x"  # the rule is judged by one that may be
        wrong.required(field, "files", OF_A_STREAM, "is required, like /data/raw/run{run:d}_{subrun:d}.root")
        found = wrong.read(split, rule.get("files"), None)
        spec = _spec(name, rule, field, wrong, whole)
        rules = files.rules(rule, wrong)
        datatype = wrong.read(Field.text, rule.get("datatype"), "")
        wrong.refuse()
        assert found is not None, "or why not was told"
        watched = Watched(*found, spec, rules, datatype)
        if "sidecar" not in rule:
            wrong.read(partial(_check_gathered, watched), rule.get("gather"), None)
        after = wrong.read(partial(files.after, watched.place, watched.depth), rule.get("input_after"), After())
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
        wrong.placed(field, data_bounds.stream_mistakes(spec))
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
