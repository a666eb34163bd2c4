"""Live changes of a stream: dotted paths into its rule, what may stand there, and in what two rules differ.

A rule is worked on as the JSON object that is stored, which leaves out what has its default. Its shape is that of
`protocol.data.StreamSpec`, followed by the types of its fields. Refusals (BadInput) name the path and what to write.
"""

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from p3s.protocol import units
from p3s.protocol.codec import from_object, to_object
from p3s.protocol.data import StreamSpec
from p3s.protocol.errors import BadInput
from p3s.protocol.guesses import guess
from p3s.protocol.messages import JobTypeSpec
from p3s.protocol.mistakes import refuse
from p3s.protocol.mistakes import said as mistakes_of
from p3s.protocol.streams import StreamChange

Rule = dict[str, Any]
Keys = tuple[str, ...]

_FIXED = {
    "name": "a stream keeps its name; declare another",
    "files": "what is watched stands in the stream file; change it there",
}


def changed(rule: Rule, changes: Mapping[str, Any], unset: Iterable[str]) -> Rule:
    """The rule with values set by path and paths taken out. Raises BadInput with all paths that are wrong."""
    after = deepcopy(rule)

    def set_one(path: str, value: Any) -> None:
        keys, kind = place(path, rule)
        _set(after, keys, _checked(path, value, kind))

    def take_out_one(path: str) -> None:
        keys, _ = place(path, rule)
        _take_out(after, keys, path)

    acts = [partial(set_one, path, value) for path, value in changes.items()]
    acts += [partial(take_out_one, path) for path in unset]
    refuse(mistake for act in acts for mistake in mistakes_of(act))
    _check_whole(rule, after)
    return canonical(after)


def canonical(rule: Rule) -> Rule:
    """As it is stored."""
    try:
        found = to_object(from_object(StreamSpec, rule))
    except ValueError as error:
        raise BadInput(str(error)) from None
    assert isinstance(found, dict)
    return found


# ---- paths


def place(path: str, rule: Rule) -> tuple[Keys, Any]:
    """The keys that a path names, and the type of what stands there. Names of a rule's own may have dots in them."""
    keys: list[str] = []
    kind: Any = StreamSpec
    node: Any = rule
    rest = path
    while rest:
        if is_dataclass(kind):
            name, _, rest = rest.partition(".")
            hints = _hints(kind)  # type: ignore[arg-type] # a class
            if name not in hints:
                raise BadInput(f"{path}: there is no {'.'.join([*keys, name])}{_meant(keys, name, hints)}")
            if not keys and name in _FIXED:
                raise BadInput(f"{path}: {_FIXED[name]}")
            kind = hints[name]
        elif get_origin(kind) is dict:
            known, kind = (node if isinstance(node, dict) else {}), get_args(kind)[1]
            name, rest = _named(rest, known, whole=not is_dataclass(kind))
        else:
            raise BadInput(f"{path}: {'.'.join(keys)} is one value; nothing stands below it")
        keys.append(name)
        node = node.get(name) if isinstance(node, dict) else None
    if not keys or path.endswith("."):
        raise BadInput(f"{path!r} is no place of a stream; write one like env.RELEASE or take.one_in")
    return tuple(keys), kind


def _meant(keys: list[str], name: str, known: Iterable[str]) -> str:
    """What to write in place of a name that is none."""
    if keys[:1] == ["jobs"] and name in JobTypeSpec.__dataclass_fields__:
        return f"; it is a setting of the job type: p3s jobtype set {keys[1]} --{name.replace('_', '-')}"
    if keys:
        return guess(name, known)
    words = [one for one in known if one not in _FIXED]
    if name.isupper() and name.lower() not in words:
        return f"; a variable of its jobs is env.{name}"
    return guess(name.lower(), words)


def _named(rest: str, known: Mapping[str, Any], *, whole: bool) -> tuple[str, str]:
    """The first name of the rest of a path: the longest that is known, else up to a dot, or all of it."""
    for name in sorted(known, key=len, reverse=True):
        if rest == name or rest.startswith(f"{name}."):
            return name, rest[len(name) + 1 :]
    if whole:
        return rest, ""
    name, _, following = rest.partition(".")
    return name, following


@cache
def _hints(cls: type) -> dict[str, Any]:
    """Types of the fields, of optional ones without None."""
    return {name: _plain(hint) for name, hint in get_type_hints(cls).items() if not name.startswith("_")}


def _plain(hint: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        (hint,) = [one for one in get_args(hint) if one is not type(None)]
    return hint


# ---- values


_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _checked(path: str, value: Any, kind: Any) -> Any:
    """Raises BadInput unless a value of that type may stand there."""
    if is_dataclass(kind) or get_origin(kind) is dict:
        inside = _hints(kind) if is_dataclass(kind) else ["NAME"]  # type: ignore[arg-type] # a class
        raise BadInput(f"{path}: is made of parts; write {' or '.join(f'{path}.{name}' for name in inside)}")
    if get_origin(kind) is tuple:
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            return value
        raise BadInput(f"{path}: must be a list of texts, not {value!r:.60}")
    if kind is Any:
        return value
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise BadInput(f"{path}: must be {_WORDS[kind]}, not {value!r:.60}")
    return value


def _set(rule: Rule, keys: Keys, value: Any) -> None:
    for name in keys[:-1]:
        rule = rule.setdefault(name, {})
    rule[keys[-1]] = value


def _take_out(rule: Rule, keys: Keys, path: str) -> None:
    for name in keys[:-1]:
        rule = rule.get(name, {})
    if keys[-1] not in rule:
        raise BadInput(f"{path}: is not set{guess(keys[-1], rule)}")
    del rule[keys[-1]]


def _check_whole(before: Rule, after: Rule) -> None:
    """A part that a rule has now must have what it cannot be without."""
    for group, kind in _hints(StreamSpec).items():
        if get_origin(kind) is dict and is_dataclass(get_args(kind)[1]):
            for name, part in after.get(group, {}).items():
                known = before.get(group, {})
                new = "" if name in known else f"; there is no {group}.{name} yet{guess(name, known)}"
                _check_part(get_args(kind)[1], part, f"{group}.{name}", new)
        elif is_dataclass(kind) and after.get(group) is not None:
            _check_part(kind, after[group], group, "")


def _check_part(cls: Any, part: Rule, where: str, new: str) -> None:
    for one in fields(cls):
        if one.default is MISSING and one.default_factory is MISSING and one.name not in part:
            raise BadInput(f"{where}.{one.name}: is required{new}")


def read(path: str, text: str, rule: Rule) -> Any:
    """The value that a person writes as text for a path: `20`, `20m` for a duration, `4GB` for memory, `true`, words
    separated by commas for a list, JSON or a text for a workflow's parameter. Raises BadInput."""
    _, kind = place(path, rule)
    try:
        if kind is float:
            return float(text) if _is_number(text) else units.seconds(text)
        if kind is int:
            return units.size(text) if path.endswith(".memory") else int(text)
        if kind is bool:
            return {"true": True, "yes": True, "false": False, "no": False}[text.lower()]
    except (ValueError, KeyError) as error:
        told = "write" in str(error)  # by units, which say how
        why = str(error) if told else f"{text!r} is not {_WORDS[kind]}"
        raise BadInput(f"{path}: {why}") from None
    if get_origin(kind) is tuple:
        return [word.strip() for word in text.split(",") if word.strip()]
    return _json(text) if kind is Any else text


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


# ---- differences


def flat(rule: Rule, before: Keys = ()) -> dict[Keys, Any]:
    """Every value of a rule by its keys."""
    found: dict[Keys, Any] = {}
    for name, value in rule.items():
        keys = (*before, name)
        if isinstance(value, dict) and value:
            found |= flat(value, keys)
        else:
            found[keys] = value
    return found


def differences(before: Rule, after: Rule) -> list[StreamChange]:
    """Where two rules differ, by path."""
    old, new = flat(before), flat(after)
    places = sorted(keys for keys in old.keys() | new.keys() if old.get(keys) != new.get(keys))
    return [StreamChange(".".join(keys), old.get(keys), new.get(keys)) for keys in places]


def said(changes: Iterable[StreamChange]) -> str:
    """In words, for the record."""
    return ", ".join(f"{one.path} {word(one.path, one.before)} -> {word(one.path, one.after)}" for one in changes)


def word(path: str, value: Any) -> str:
    """A value at its place in words: a duration is `20m`, as it is written in the file."""
    if value is None:
        return "(not set)"
    if path.startswith(("jobs.", "gather.")) and path.endswith((".time_limit", ".or_after")) and type(value) is float:
        return units.written(value)
    return f"{value!s:.200}" if value != "" else "''"


def merged(declared: Rule, live: Rule, again: Rule) -> tuple[Rule, list[str]]:
    """What was changed live of a rule as it was `declared` holds for it as it is declared `again`, too; returns the
    paths that do not: the file itself has another value there than before, or no longer has what they are part of."""
    old, now, new = flat(declared), flat(live), flat(again)
    after, lost = deepcopy(again), []
    for keys in sorted(keys for keys in old.keys() | now.keys() if old.get(keys) != now.get(keys)):
        gone = keys[:2] in {k[:2] for k in old} and keys[:2] not in {k[:2] for k in new} and len(keys) > 2
        if (old.get(keys) != new.get(keys) and new.get(keys) != now.get(keys)) or gone or _below_a_value(keys, new):
            lost.append(".".join(keys))
        elif keys in now:
            _set(after, keys, now[keys])
        elif keys in new:
            _take_out(after, keys, ".".join(keys))
    return canonical(_tidy(after)), lost


def _below_a_value(keys: Keys, rule: Mapping[Keys, Any]) -> bool:
    """Whether the (flat) rule has one value where others stand on the way to this one."""
    return any(rule.get(keys[:length], {}) != {} for length in range(1, len(keys)))


def _tidy(rule: Rule) -> Rule:
    """Without what was emptied."""
    return {name: _tidy(value) if isinstance(value, dict) else value for name, value in rule.items() if value != {}}
