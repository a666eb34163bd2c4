"""Stream files: what people write, checked with file and place, and what the server is told of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from p3s.client.descriptions import duration, resolved
from p3s.protocol.data import DatasetRequest, StreamJob, StreamSpec
from p3s.protocol.errors import BadInput
from p3s.protocol.patterns import Pattern, PatternError, parse

RESTED_S = 2.0
"""A file is taken for complete when nothing changed it for so long, unless its stream says otherwise."""


@dataclass(frozen=True)
class Watched:
    """One stream: the directory and the pattern of names below it, when a file is complete, what the server makes."""

    directory: Path
    pattern: Pattern
    rested_s: float
    spec: StreamSpec


def read(path: Path) -> list[Watched]:
    """The streams of a file. Raises BadInput that says where and what to write instead."""
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        said = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise BadInput(f"cannot read {path}: {said}") from None
    if not isinstance(document, dict) or not isinstance(document.get("streams"), dict) or not document["streams"]:
        raise BadInput(f"{path}: must begin with streams: and name at least one; p3s watcher start --help has one")
    _only(document, {"streams"}, str(path))
    return [_stream(str(name), rule, path) for name, rule in document["streams"].items()]


def dataset_of(stream: Watched, path: Path) -> DatasetRequest | None:
    """What a file in the stream's directory is to it; None for one whose name does not fit."""
    try:
        fields = stream.pattern.match(path.relative_to(stream.directory).as_posix())
    except ValueError:
        return None
    if fields is None:
        return None
    run, subrun = fields.pop("run", None), fields.pop("subrun", None)
    return DatasetRequest(
        url=str(path),
        stream=stream.spec.name,
        name=path.name,
        run=run if isinstance(run, int) else None,
        subrun=subrun if isinstance(subrun, int) else None,
        keys=dict(fields),
    )


def _stream(name: str, rule: Any, path: Path) -> Watched:
    where = f"{path}: streams.{name}"
    if not name or "/" in name or len(name) > 80:
        raise BadInput(f"{where}: is not a stream's name; use at most 80 characters, none of them a slash")
    if not isinstance(rule, dict):
        raise BadInput(f"{where}: must have files and a payload, or jobs")
    _only(rule, {"files", "payload", "jobs", "env", "complete"}, where)
    directory, pattern = _files(rule.get("files"), where, path)
    env = _environment(rule.get("env"), where)
    if ("payload" in rule) == ("jobs" in rule):
        raise BadInput(f"{where}: must have either a payload or jobs")
    entries = rule["jobs"] if "jobs" in rule else {name: {"payload": rule["payload"]}}
    if not isinstance(entries, dict) or not entries:
        raise BadInput(f"{where}.jobs: must name job types, each with a payload")
    jobs = {str(jobtype): _job(entry, env, f"{where}.jobs.{jobtype}", path) for jobtype, entry in entries.items()}
    return Watched(directory, pattern, _complete(rule.get("complete"), where), StreamSpec(name, jobs))


def _files(files: Any, where: str, path: Path) -> tuple[Path, Pattern]:
    """The directory is all before the first field; the pattern is the name below it."""
    if not isinstance(files, str) or not files.strip():
        raise BadInput(f'{where}.files: is required, like "/data/raw/run{{run:d}}_{{subrun:d}}.root"')
    if "://" in files:
        raise BadInput(f"{where}.files: {files!r} is a URL; only directories of this machine are watched yet")
    fixed = files
    for mark in "{*":
        fixed = fixed.split(mark, 1)[0]
    head = fixed.rsplit("/", 1)[0] if "/" in fixed else "."
    name = files[len(head) + 1 :] if "/" in fixed else files
    try:
        return (path.parent / head).resolve(), parse(name)
    except PatternError as error:
        raise BadInput(f"{where}.files: {error}") from None


def _complete(rule: Any, where: str) -> float:
    if rule is None:
        return RESTED_S
    if rule == {"renamed": True}:
        return 0.0
    if isinstance(rule, dict) and set(rule) == {"rested"} and isinstance(rule["rested"], str):
        return duration(rule["rested"], f"{where}.complete.rested")
    raise BadInput(f"{where}.complete: write {{rested: 30s}}, or {{renamed: true}} if files are renamed into place")


def _job(entry: Any, env: dict[str, str], where: str, path: Path) -> StreamJob:
    if not isinstance(entry, dict) or not isinstance(entry.get("payload"), str) or not entry["payload"].strip():
        raise BadInput(f"{where}.payload: is required, as text")
    _only(entry, {"payload", "env", "priority", "time_limit"}, where)
    priority, limit = entry.get("priority", 0), entry.get("time_limit", 0.0)
    if not isinstance(priority, int) or isinstance(priority, bool):
        raise BadInput(f"{where}.priority: must be an integer, not {priority!r}")
    if isinstance(limit, str):
        limit = duration(limit, f"{where}.time_limit")
    if isinstance(limit, bool) or not isinstance(limit, (int, float)):
        raise BadInput(f"{where}.time_limit: must be a duration like 20m, not {limit!r}")
    own = _environment(entry.get("env"), where)
    return StreamJob(resolved(entry["payload"], path.parent), {**env, **own}, priority, float(limit))


def _environment(env: Any, where: str) -> dict[str, str]:
    if env is None:
        return {}
    if not isinstance(env, dict):
        raise BadInput(f"{where}.env: must be names and values")
    for name, value in env.items():
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise BadInput(f"{where}.env.{name}: must be a text or a number, not {value!r}")
    return {str(name): str(value) for name, value in env.items()}


def _only(entry: dict[Any, Any], known: set[str], where: str) -> None:
    for name in entry:
        if name not in known:
            raise BadInput(f"{where}.{name}: is not a known field; known are {', '.join(sorted(known))}")
