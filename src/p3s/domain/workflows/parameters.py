"""What a person may set when starting a workflow: declared with a type, given as text or as a value of it."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from p3s.domain.workflows.fields import BUILT_IN
from p3s.protocol.errors import BadInput
from p3s.protocol.guesses import near
from p3s.protocol.mistakes import said
from p3s.protocol.workflows import TYPES, Parameter

MOST = 100
"""Parameters of a template."""

_LONGEST = 2_000
_MOST_ENTRIES = 10_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def mistakes(parameters: Mapping[str, Parameter]) -> Iterator[str]:
    """What keeps them from being used as they are declared."""
    if len(parameters) > MOST:
        yield f"parameters: there are {len(parameters)}, at most {MOST} are taken"
        return
    for name, parameter in parameters.items():
        where = f"parameters.{name}"
        if not _NAME.match(name):
            yield f"parameters: {name[:60]!r} is not a parameter's name; use letters, digits and _"
        elif name in BUILT_IN or name == "keys":
            yield f"{where}: {{{name}}} is filled in by p3s; take another name"
        yield from _declared(parameter, where)


def _declared(parameter: Parameter, where: str) -> Iterator[str]:
    found = [*_bounds(parameter, where)]
    found = found or [
        one for choice in parameter.choices for one in said(_typed, choice, parameter, f"{where}.choices")
    ]
    if not found and parameter.default is not None:
        found = [*said(taken, parameter.default, parameter, f"{where}.default")]
    yield from found


def _bounds(parameter: Parameter, where: str) -> Iterator[str]:
    """What is wrong before any value is looked at."""
    if parameter.type not in TYPES:
        yield f"{where}.type: {parameter.type[:60]!r} is none; use {', '.join(TYPES)}"
        return
    bounded = parameter.type in ("int", "float")
    low, high = parameter.min, parameter.max
    given = {"min": low, "max": high}
    wrong = [field for field, at in given.items() if at is not None and not (bounded and math.isfinite(at))]
    for field in wrong:
        yield f"{where}.{field}: is a finite number, and for int and float alone"
    if not wrong and low is not None and high is not None and low > high:
        yield f"{where}: min {low:g} is above max {high:g}"
    if len(parameter.choices) > _MOST_ENTRIES:
        yield f"{where}.choices: there are too many; at most {_MOST_ENTRIES} are taken"


def settled(parameters: Mapping[str, Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters with their values: what is given, else the default. Raises BadInput."""
    for name in given:
        if name not in parameters:
            known = f"it has {', '.join(parameters)}" if parameters else "it has none"
            raise BadInput(f"parameters: the template has no {name[:60]!r}{near(name, parameters) or f'; {known}'}")
    values, lacking = {}, []
    for name, parameter in parameters.items():
        value = given.get(name)
        if value is None:
            value = parameter.default
        if value is None:
            lacking.append(name)
            continue
        values[name] = taken(value, parameter, f"parameters.{name}")
    if lacking:
        raise BadInput(f"parameters: {', '.join(lacking)} must be given: -p {lacking[0]}=VALUE")
    return values


def taken(value: Any, parameter: Parameter, where: str) -> Any:
    """The value in the parameter's type, within its bounds. Raises BadInput."""
    found = _typed(value, parameter, where)
    for entry in found if isinstance(found, list) else [found]:
        choices = [_typed(choice, parameter, where) for choice in parameter.choices]
        choices = [one for choice in choices for one in (choice if isinstance(choice, list) else [choice])]
        if choices and entry not in choices:
            raise BadInput(f"{where}: {entry!r} is none of its choices: {', '.join(map(str, choices))}")
    if parameter.min is not None and found < parameter.min:
        raise BadInput(f"{where}: must be at least {parameter.min:g}, not {found}")
    if parameter.max is not None and found > parameter.max:
        raise BadInput(f"{where}: must be at most {parameter.max:g}, not {found}")
    return found


def _typed(value: Any, parameter: Parameter, where: str) -> Any:
    read = _READ[parameter.type](value)
    if read is None:
        raise BadInput(f"{where}: must be {_LIKE[parameter.type]}, not {value!r}"[:300])
    return read


def _string(value: Any) -> str | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        value = str(value)
    good = isinstance(value, str) and len(value) <= _LONGEST and not _CONTROL.search(value)
    return value if good else None


def _int(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,19}", value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        return None
    return value


def _float(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < math.inf:
        return None
    return float(value) if abs(value) < 1e300 else None


def _bool(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False, "yes": True, "no": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def _list(value: Any) -> list[str] | None:
    if isinstance(value, str):
        value = [entry.strip() for entry in value.split(",")]
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= _MOST_ENTRIES:
        return None
    entries = [_string(entry) for entry in value]
    return None if None in entries or "" in entries else [str(entry) for entry in entries]


_READ = {"string": _string, "int": _int, "float": _float, "bool": _bool, "list": _list}
_LIKE = {
    "string": f"a text of at most {_LONGEST} characters in one line",
    "int": "a whole number like 10",
    "float": "a number like 0.5",
    "bool": "true or false",
    "list": "a list of texts like [a, b], or a,b",
}
