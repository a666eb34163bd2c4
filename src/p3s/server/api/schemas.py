"""JSON schemas of messages (dataclasses) and views (TypedDicts), collected as components of the API document."""

import types
from dataclasses import is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import TypeAdapter

_REF = "#/components/schemas/{model}"
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


def reference(cls: type, components: dict[str, Any]) -> dict[str, Any]:
    """A reference to the schema of a message or view, which is put into the components with all it stands on."""
    if cls.__name__ not in components:
        if is_typeddict(cls):
            _view(cls, components)
        else:
            schema = TypeAdapter(cls).json_schema(ref_template=_REF)
            components.update(schema.pop("$defs", {}))
            components[cls.__name__] = schema
    return {"$ref": _REF.format(model=cls.__name__)}


def _view(cls: type, components: dict[str, Any]) -> None:
    """pydantic does not take the standard library's TypedDict before Python 3.12."""
    hints = get_type_hints(cls)
    components[cls.__name__] = {"type": "object"}  # it may stand in itself
    components[cls.__name__] = {
        "type": "object",
        "title": cls.__name__,
        "description": " ".join((cls.__doc__ or "").split()),
        "properties": {name: _value(kind, components) for name, kind in hints.items()},
        "required": list(hints),
    }


def _value(kind: Any, components: dict[str, Any]) -> dict[str, Any]:
    if is_typeddict(kind) or is_dataclass(kind):
        return reference(kind, components)
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [{"type": "null"} if one is type(None) else _value(one, components) for one in parts]}
    if origin is list:
        return {"type": "array", "items": _value(parts[0], components)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _value(parts[1], components)}
    return {"type": _PLAIN[kind]} if kind in _PLAIN else {}
