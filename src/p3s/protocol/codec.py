"""Messages to and from JSON objects, for parts that have the standard library alone.

Decoding ignores unknown fields, so that pilots and servers of neighbouring versions understand each other;
the server checks people's input strictly by its own means.
"""

import json
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from . import accounts, acts, catalogue, data, declarations, many, messages, services, streams, workflows
from .messages import Held, Instruction, JobSpec, Order, Report, Verdict

T = TypeVar("T")

#: Fields that hold a message.
_PARTS: "dict[tuple[type, str], type]" = {
    (messages.JobSpec, "needs"): messages.Needs,
    (data.StreamSpec, "take"): data.Take,
    (data.StreamSpec, "waiting"): data.Waiting,
    (data.StreamJob, "needs"): messages.Needs,
    (data.Gather, "needs"): messages.Needs,
    (workflows.Node, "needs"): messages.Needs,
}

#: Fields that hold messages by name.
_NAMED: "dict[tuple[type, str], type]" = {
    (data.StreamSpec, "jobs"): data.StreamJob,
    (data.StreamSpec, "gather"): data.Gather,
    (workflows.TemplateSpec, "nodes"): workflows.Node,
    (workflows.TemplateSpec, "data"): workflows.Datum,
    (workflows.TemplateSpec, "parameters"): workflows.Parameter,
    (workflows.StartRequest, "nodes"): workflows.NodeChange,
    (workflows.StartRequest, "data"): workflows.DatumChange,
}

#: Fields that hold a list of messages.
_ENTRIES = {
    (messages.SubmitRequest, "jobs"): JobSpec,
    (messages.ExchangeRequest, "holding"): Held,
    (messages.ExchangeRequest, "reports"): Report,
    (messages.ExchangeReply, "orders"): Order,
    (messages.ExchangeReply, "instructions"): Instruction,
    (messages.ExchangeReply, "verdicts"): Verdict,
    (many.PilotOrderReply, "pilots"): many.PilotTold,
    (data.ArrivalsRequest, "files"): data.DatasetRequest,
    (data.ArrivalsReply, "files"): data.DatasetReply,
    (declarations.DeclareRequest, "dimensions"): data.DimensionSpec,
    (declarations.DeclareRequest, "limits"): data.LimitSpec,
    (streams.StreamChanged, "changes"): streams.StreamChange,
    (streams.ProcessReply, "taken"): streams.ProcessedFile,
    (streams.ProcessReply, "left"): streams.LeftFile,
}


def to_object(message: Any) -> Any:
    """A dataclass as a JSON object, leaving out what equals its default."""
    kind = type(message)
    if kind in _PLAIN:
        return message
    if kind is list or kind is tuple:
        return [to_object(entry) for entry in message]
    if kind is dict:
        return {key: to_object(value) for key, value in message.items()}
    defaults = _DEFAULTS.get(kind)
    if defaults is None:  # a word of the wire, or a number of a library's own type: JSON's encoder judges it
        return message
    found = {}
    for name, value in vars(message).items():
        if value != defaults[name]:
            found[name] = value if type(value) in _PLAIN else to_object(value)
    return found


_PLAIN = frozenset({str, int, float, bool, type(None)})


def _defaults(cls: type) -> "dict[str, Any]":
    return {
        entry.name: entry.default_factory() if callable(entry.default_factory) else entry.default
        for entry in fields(cls)
    }


_DEFAULTS: "dict[type, dict[str, Any]]" = {
    cls: _defaults(cls)
    for module in (messages, acts, accounts, catalogue, data, declarations, many, services, streams, workflows)
    for cls in vars(module).values()
    if isinstance(cls, type) and is_dataclass(cls) and cls.__module__ == module.__name__
}


def from_object(cls: "type[T]", data: Any) -> T:
    """A message of type `cls` from a decoded JSON object; raises ValueError when it cannot be one."""
    if not isinstance(data, dict):
        raise ValueError(f"expected a JSON object for {cls.__name__}, got {type(data).__name__}")
    known = _DEFAULTS[cls]
    values = {name: value for name, value in data.items() if name in known}
    for name, value in values.items():
        part = _PARTS.get((cls, name))
        named = _NAMED.get((cls, name))
        if part and value is not None:
            values[name] = from_object(part, value)
        elif named:
            if not isinstance(value, dict):
                raise ValueError(f"{cls.__name__}.{name}: expected an object, got {type(value).__name__}")
            values[name] = {key: from_object(named, one) for key, one in value.items()}
        elif isinstance(value, list) and isinstance(known[name], tuple):
            values[name] = tuple(value)
        entry = _ENTRIES.get((cls, name))
        if entry and value is not None:
            if not isinstance(value, list):
                raise ValueError(f"{cls.__name__}.{name}: expected a list, got {type(value).__name__}")
            values[name] = [from_object(entry, one) for one in value]
    try:
        return cls(**values)
    except TypeError as error:
        raise ValueError(f"{cls.__name__}: {error}") from None


def encode(message: Any) -> bytes:
    """A message, or any JSON value, as UTF-8 JSON. NaN is a programming error here."""
    return json.dumps(to_object(message), separators=(",", ":"), allow_nan=False).encode()


def decode(cls: "type[T]", body: bytes) -> T:
    """The message of type `cls` in a JSON body; raises ValueError."""
    return from_object(cls, json.loads(body))
