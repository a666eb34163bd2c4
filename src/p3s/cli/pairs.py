"""NAME=VALUE as people write it on a command line."""

import re
from collections.abc import Iterable

from p3s.protocol.errors import BadInput

from . import show

_NUMBER = re.compile(r"-?[0-9]{1,18}")


def pairs(given: Iterable[str] | None, option: str, shape: str = "NAME=VALUE") -> dict[str, str]:
    """By name, each once. Raises BadInput."""
    found: dict[str, str] = {}
    for one in given or ():
        name, sign, value = one.partition("=")
        if not sign or not name:
            raise BadInput(f"{option} {show.plain(one)!r}: write {shape}")
        if name in found:
            raise BadInput(f"{option} {show.plain(name)} is given twice")
        found[name] = value
    return found


def keys(given: Iterable[str] | None) -> dict[str, int | str]:
    """The experiment's further numbering: a value of digits is a number. Raises BadInput."""
    said = pairs(given, "--key", "NAME=VALUE, like dl=5")
    return {name: int(value) if _NUMBER.fullmatch(value) else value for name, value in said.items()}
