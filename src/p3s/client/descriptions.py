"""Job descriptions from files: 2018's JSON lists through one lenient adapter, our own YAML or JSON strictly."""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from p3s.protocol import units
from p3s.protocol.bounds import check_jobtype
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import JobSpec, JobTypeSpec, Needs
from p3s.protocol.mistakes import refuse, said

from .document import Field, content, parse
from .files import address, is_there

#: 2018's fields -> ours. `state` and `params` are looked at apart.
_CLASSIC = {
    "name": "name",
    "jobtype": "jobtype",
    "payload": "payload",
    "priority": "priority",
    "timeout": "time_limit",
    "timelimit": "time_limit",
    "env": "env",
}
_OURS = frozenset(field.name for field in fields(JobSpec))
SETTINGS = frozenset(field.name for field in fields(JobTypeSpec)) - {"name"}
"""What may be said of a job type."""

MOST_BYTES = 100_000_000
MOST_VALUES = 2_000_000
"""Of a description: programs write lists of many thousand jobs."""


Where = Callable[..., str]
"""What messages call a place: where("jobs", 3) is `jobs.yaml:7: jobs[3]`."""


@dataclass(frozen=True)
class Described:
    """Jobs, and by name of job types the settings that a file gives them; what it leaves out stays as it is."""

    jobs: list[JobSpec]
    jobtypes: dict[str, dict[str, Any]]


ELSEWHERE = {"streams": "p3s watcher start", "workflow": "p3s workflow template put"}
"""By their first word, files that other commands take."""


def read(path: Path) -> Described:
    """What a file describes. Raises BadInput with all mistakes: the file, the place and what to write instead."""
    document, where = _parsed(content(path, MOST_BYTES), path)
    found = Described([], {})
    if isinstance(document, list):
        refuse(_jobs(document, lambda place: _classic(document[place], where(place)), found.jobs))
    elif isinstance(document, dict) and isinstance(document.get("jobs"), list):
        refuse(_sections(document, path, where, found))
        found.jobs[:] = [_beside(spec, path.parent) for spec in found.jobs]
    elif isinstance(document, dict) and (other := next((one for one in ELSEWHERE if one in document), "")):
        raise BadInput(f"{path}: describes no jobs, but a {other.rstrip('s')}: {ELSEWHERE[other]} {path}")
    else:
        raise BadInput(
            f"{path}: is neither a 2018 list of jobs ([{{...}}]) nor ours (jobs: [...]); p3s job submit --help has both"
        )
    if not found.jobs:
        raise BadInput(f"{path}: describes no job")
    return found


def _sections(document: dict[Any, Any], path: Path, where: Where, found: Described) -> Iterator[str]:
    """Reads our own file into `found`; what is wrong, in its order."""
    yield from said(_only, document, {"jobs", "jobtypes"}, str(path))
    for name, section in document.items():
        if name == "jobtypes":
            yield from said(lambda: found.jobtypes.update(_jobtypes(document["jobtypes"], where)))
        elif name == "jobs":
            yield from _jobs(section, lambda place: _ours(document["jobs"][place], where("jobs", place)), found.jobs)


def _jobs(entries: list[Any], read: Callable[[int], JobSpec], found: list[JobSpec]) -> Iterator[str]:
    for place in range(len(entries)):
        yield from said(lambda at: found.append(read(at)), place)


def _parsed(text: str, path: Path) -> tuple[Any, Where]:
    """What a file says, and where. Of JSON the lines are not known: programs write it."""
    if path.suffix != ".json":
        whole = parse(text, path, MOST_VALUES)
        return whole.plain, lambda *names: _at(whole, names)
    try:
        found = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: {' '.join(str(error).split())[:300]}") from None
    return found, lambda *names: f"{path}: {_path(names)}"


def _at(field: Field, names: tuple[str | int, ...]) -> str:
    for name in names:
        field = field.value[name]
    return field.where


def _path(names: tuple[str | int, ...]) -> str:
    """`jobs[3]`, `jobtypes.evdisp`."""
    return "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in names).lstrip(".")


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a number that JSON knows; write a finite one")


def _classic(entry: Any, where: str) -> JobSpec:
    """One job of a 2018 list: numbers may be text, `state` may say `defined`."""
    if not isinstance(entry, dict):
        raise BadInput(f"{where}: must be an object with a payload, not {entry!r}"[:300])
    _only(entry, {*_CLASSIC, "state", "params"}, where)
    if entry.get("state", "defined") != "defined":
        raise BadInput(f"{where}.state: {entry['state']!r} cannot be submitted; write defined, or leave it out")
    values: dict[str, Any] = {_CLASSIC[name]: value for name, value in entry.items() if name in _CLASSIC}
    if not isinstance(values.get("payload"), str):
        raise BadInput(f"{where}.payload: is required, as text")
    _check_texts(values, where)
    if entry.get("params"):
        values["payload"] += f" {entry['params']}"
    if "priority" in values:
        values["priority"] = int(_number(values["priority"], f"{where}.priority"))
    if "time_limit" in values:
        values["time_limit"] = _number(values["time_limit"], f"{where}.timeout")
    values["env"] = classic_environment(values.get("env") or {}, where)
    return JobSpec(**values)


def _number(value: Any, where: str) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not abs(number) < float("inf"):
        raise BadInput(f"{where}: must be a number, not {value!r}")
    return number


def classic_environment(env: Any, where: str) -> dict[str, str]:
    """Variables as 2018 wrote them: an object, or its JSON text. Raises BadInput."""
    if isinstance(env, str):  # 2018's server took it as JSON text too
        try:
            env = json.loads(env or "{}")
        except (ValueError, RecursionError):
            raise BadInput(f"{where}.env: {env[:60]!r} is not JSON; write an object of names and values") from None
    if not isinstance(env, dict):
        raise BadInput(f"{where}.env: must be an object of names and values")
    return {str(name): value if isinstance(value, str) else json.dumps(value) for name, value in env.items()}


def _ours(entry: Any, where: str) -> JobSpec:
    """One of our own: strict; the server checks the values, a duration may be written as 20m."""
    if not isinstance(entry, dict):
        raise BadInput(f"{where}: must be an object with a payload, not {entry!r}"[:300])
    _only(entry, _OURS, where)
    if not isinstance(entry.get("payload"), str):
        raise BadInput(f"{where}.payload: is required, as text")
    replicas = entry.get("replicas", 1)
    if isinstance(replicas, bool) or not isinstance(replicas, int):
        raise BadInput(f"{where}.replicas: must be a whole number, not {replicas!r}")
    values = _with_seconds(entry, where)
    if "needs" in values:
        values["needs"] = needs_of(values["needs"], f"{where}.needs")
    _check_texts(values, where)
    for name in ("priority", "time_limit", "eta", "stale_after", "hold"):
        if values.get(name) is not None:
            _check_kind(name, values[name], f"{where}.{name}")
    if not isinstance(values.get("env", {}), dict):
        raise BadInput(f"{where}.env: must be an object of names and values")
    for name, value in values.get("env", {}).items():
        if not isinstance(value, str):
            raise BadInput(f"{where}.env.{name}: must be text; write {json.dumps(str(value))}")
    return JobSpec(**values)


def _check_texts(values: dict[str, Any], where: str) -> None:
    for name in ("name", "jobtype", "input"):
        if name in values and not isinstance(values[name], str):
            raise BadInput(f"{where}.{name}: must be text; write it in quotes, not {values[name]!r}")


def _with_seconds(entry: dict[str, Any], where: str) -> dict[str, Any]:
    """The same with durations like 20m in seconds."""
    values = dict(entry)
    for name in ("time_limit", "eta", "stale_after"):
        if isinstance(values.get(name), str):
            values[name] = duration(values[name], f"{where}.{name}")
    return values


def _jobtypes(section: Any, where: Where) -> dict[str, dict[str, Any]]:
    """What our own file says of job types."""
    if not isinstance(section, dict):
        raise BadInput(f"{where('jobtypes')}: must be like {{evdisp: {{priority: 5, cap: 40}}}}, not {section!r}"[:300])
    found = {}
    wrong: list[str] = []
    for name, entry in section.items():
        try:
            found[name] = _jobtype(name, entry, where("jobtypes", name))
        except BadInput as error:
            wrong += error.mistakes
    refuse(wrong)
    return found


def _jobtype(name: str, entry: Any, place: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise BadInput(f"{place}: must be a name with settings, like evdisp: {{priority: 5, cap: 40}}")
    found = settings(entry, place)
    refuse(f"{place}.{mistake}" for mistake in said(check_jobtype, job_type(name, found)))
    return found


def settings(entry: dict[str, Any], where: str) -> dict[str, Any]:
    """What is said of one job type. Raises BadInput."""
    _only(entry, SETTINGS, where)
    found = _with_seconds(entry, where)
    for field, like in (
        ("supersedes", "keys, like [run]"),
        ("expects", "results, like [TPC monitor, Purity/lifetime]"),
    ):
        if field in found:
            words = found[field]
            if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                raise BadInput(f"{where}.{field}: must be a list of {like}")
            found[field] = tuple(words)
    for field, value in found.items():
        _check_kind(field, value, f"{where}.{field}")
    return found


_KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("priority", "cap", "retries"), (int,)),
    **dict.fromkeys(("eta", "stale_after", "time_limit"), (int, float)),
    **dict.fromkeys(("pick", "input_as"), (str,)),
    **dict.fromkeys(("critical", "hold"), (bool,)),
}
_CALLED = {int: "a whole number", float: "a duration like 20m", str: "a word", bool: "true or false"}


def _check_kind(field: str, value: Any, where: str) -> None:
    kinds = _KINDS.get(field)
    if kinds is None or (field == "cap" and value is None):
        return
    if not isinstance(value, kinds) or isinstance(value, bool) != (kinds == (bool,)):
        raise BadInput(f"{where}: must be {_CALLED[kinds[-1]]}, not {value!r}"[:300])


def job_type(name: str, settings: Mapping[str, Any]) -> JobTypeSpec:
    """A job type as a file has it; what is left out has its default here."""
    return JobTypeSpec(name, **settings)


def _beside(spec: JobSpec, directory: Path) -> JobSpec:
    """A payload or input written as ./x is the one beside the description, wherever the job runs."""
    there = directory / spec.input
    own = spec.input and "://" not in spec.input and is_there(there)
    return replace(spec, payload=resolved(spec.payload, directory), input=address(str(there)) if own else spec.input)


def resolved(payload: str, directory: Path) -> str:
    """A payload text whose program, if written as ./x or ../x, is made absolute from `directory`. A link stays one: the
    python of a virtual environment knows by its path which it is."""
    first, *rest = payload.split(None, 1) or [""]
    if not first.startswith(("./", "../")):
        return payload
    return " ".join([shlex.quote(address(str(directory / first))), *rest])


def duration(text: str, where: str) -> float:
    """Seconds of `30s`, `20m`, `3h`, `2d`. Raises BadInput."""
    try:
        return units.seconds(text)
    except ValueError as error:
        raise BadInput(f"{where}: {error}") from None


_NEEDS = tuple(field.name for field in fields(Needs))


def needs_of(entry: Any, where: str) -> Needs:
    """What a job needs, as people write it: memory as 4GB, tags as a list. Raises BadInput."""
    if not isinstance(entry, dict):
        raise BadInput(f"{where}: must be like {{cores: 2, memory: 4GB, tags: [cvmfs]}}, not {entry!r}"[:300])
    _only(entry, _NEEDS, where)
    values = dict(entry)
    if isinstance(values.get("memory"), str):
        try:
            values["memory"] = units.size(values["memory"])
        except ValueError as error:
            raise BadInput(f"{where}.memory: {error}") from None
    for name in ("cores", "memory", "gpus"):
        if name in values and (isinstance(values[name], bool) or not isinstance(values[name], int)):
            raise BadInput(f"{where}.{name}: must be a whole number, not {values[name]!r}")
    tags = values.get("tags", [])
    if not isinstance(tags, (list, tuple)) or not all(isinstance(tag, str) for tag in tags):
        raise BadInput(f"{where}.tags: must be a list of words, like [cvmfs, xrootd]")
    for name in ("site", "runtime"):
        if not isinstance(values.get(name, ""), str):
            raise BadInput(f"{where}.{name}: must be text; write it in quotes, not {values[name]!r}")
    return Needs(**{**values, "tags": tuple(tags)})


def _only(entry: dict[Any, Any], known: Any, where: str) -> None:
    refuse(
        f"{where}.{name}: is not a known field; known are {', '.join(sorted(known))}"
        for name in entry
        if name not in known
    )
