"""JSON bodies to messages, strictly, with refusals that a person can act on. Both doors use it."""

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from p3s.protocol.errors import BadInput
from p3s.protocol.mistakes import MOST_TOLD

T = TypeVar("T")

MOST_BYTES = 16 * 1024 * 1024


def decode(adapter: TypeAdapter[T], data: bytes) -> T:
    """A message from JSON; raises BadInput that names each field at fault."""
    try:
        return adapter.validate_json(data)
    except ValidationError as error:
        raise BadInput(*map(_described, error.errors(include_url=False)[:MOST_TOLD])) from None


def _described(problem: ErrorDetails) -> str:
    """One line for a person: where, and what to write instead."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"]).lstrip(".")
    if problem["type"] == "json_invalid" and not problem.get("input"):
        return "the body: is empty; write a JSON object, {} at least"
    given = repr(problem.get("input"))
    given = given if len(given) <= 60 else given[:57] + "..."
    said = {
        "extra_forbidden": "is not a known field; take it out or correct its name",
        "missing": "is required",
        "dataclass_type": f"must be an object, not {given}",
        "unexpected_keyword_argument": "is not a known field; take it out or correct its name",
    }.get(problem["type"], f"{_lower(problem['msg'])}, not {given}")
    return f"{where or 'the body'}: {said}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
