"""Texts of a template that hold {fields}: environment values, file names and paths.

`{release}` is a parameter, `{run:06d}` a number in so many digits, `{{` and `}}` are braces. Known are a template's
parameters and BUILT_IN; `{keys.dl}` is a key of the experiment's numbering. Payloads hold none: the shell and awk have
braces of their own.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from p3s.protocol.errors import BadInput
from p3s.protocol.guesses import near

BUILT_IN = ("run", "subrun", "input", "value", "index", "node", "workflow")
"""The run and subrun; the name of its own input without extension; the text of `values` that a job is made for, and its
number from 0; the node's name; the workflow's UUID."""

KEYS = "keys."

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_FIELD = re.compile(r"((?:keys\.)?[A-Za-z_][A-Za-z0-9_]*)(?::0?([1-9][0-9]?)d)?\Z")


def fill(text: str, known: Mapping[str, object], where: str) -> str:
    """The text with its fields filled in. A field whose value is None is one that this job does not have. Raises
    BadInput."""
    if "{" not in text and "}" not in text:
        return text
    pieces = []
    for literal, name, width in _parsed(text, where):
        pieces.append(literal)
        if name:
            pieces.append(_shown(_value(name, known, where), width, f"{where}: {{{name}}}"))
    return "".join(pieces)


def mistakes(text: str, known: Collection[str], where: str) -> Iterator[str]:
    """Each of its fields that is neither among the known nor a key."""
    pieces, problem = _pieces(text)
    if problem:
        yield f"{where}: {problem}"
    for name in dict.fromkeys(name for _, name, _ in pieces):
        if name and name not in known and not name.startswith(KEYS):
            yield str(unknown(name, known, where))


def alone(text: str) -> str:
    """The name of the field that is all of the text, or ""."""
    found = re.fullmatch(r"\{([A-Za-z_][A-Za-z0-9_]*)\}", text)
    return found.group(1) if found else ""


def escaped(text: str) -> str:
    """A text that stays as it is when it is filled in."""
    return text.replace("{", "{{").replace("}", "}}")


def literal(text: str) -> str:
    """The opposite of `escaped`: what a text without fields is filled in to; with fields it stays as it is."""
    pieces, problem = _pieces(text)
    return text if problem or len(pieces) > 1 else pieces[0][0]


def unknown(name: str, known: Collection[str], where: str) -> BadInput:
    """What to say of a field that nobody knows."""
    hint = near(name, known) or f"; known are {', '.join(sorted(known))}, and keys as {{keys.NAME}}"
    return BadInput(f"{where}: there is no field {{{name}}}{hint}")


def _value(name: str, known: Mapping[str, object], where: str) -> object:
    if name not in known and not name.startswith(KEYS):
        raise unknown(name, known.keys(), where)
    value = known.get(name)
    if value is None:
        raise BadInput(f"{where}: {{{name}}} has no value here: {_LACKING.get(name, 'no input has this key')}")
    return value


_LACKING = {
    "run": "the inputs do not say one run; start it with one (--run 4610)",
    "subrun": "the inputs do not say one subrun; start it with one (--subrun 1)",
    "input": "the node is not made for one input; write for_each: inputs",
    "value": "the node is not made for one text of a list; write for_each: [a, b]",
    "index": "the node has one job; it has no number",
}


def _shown(value: object, width: int, where: str) -> str:
    if width and (isinstance(value, bool) or not isinstance(value, int)):
        raise BadInput(f"{where} is no whole number; leave its :{width}d out")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return " ".join(str(entry) for entry in value)
    return f"{value:0{width}d}" if width else str(value)


def _parsed(text: str, where: str) -> tuple[tuple[str, str, int], ...]:
    pieces, problem = _pieces(text)
    if problem:
        raise BadInput(f"{where}: {problem}")
    return pieces


@lru_cache(maxsize=512)
def _pieces(text: str) -> tuple[tuple[tuple[str, str, int], ...], str]:
    """(literal, field after it or "", width) each, and what is wrong with the text."""
    pieces, literal, position = [], "", 0
    for found in _TOKEN.finditer(text):
        literal += text[position : found.start()]
        position = found.end()
        token = found.group()
        if token in ("{{", "}}"):
            literal += token[0]
            continue
        named = _FIELD.match(found.group(1) or "")
        if named is None:
            return (), f"{token!r} is no field; write {{name}} or {{run:06d}}, and {{{{ or }}}} for a brace"
        pieces.append((literal, named.group(1), int(named.group(2) or 0)))
        literal = ""
    return (*pieces, (literal + text[position:], "", 0)), ""
