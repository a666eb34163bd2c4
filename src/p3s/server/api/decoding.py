"""JSON bodies to messages, strictly, with refusals that a person can act on. Both doors use it."""

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from p3s.protocol.errors import BadInput

T = TypeVar("T")

MOST_BYTES = 16 * 1024 * 1024


def decode(adapter: TypeAdapter[T], data: bytes) -> T:
    """A message from JSON; raises BadInput that names the first field at fault."""
    try:
        return adapter.validate_json(data)
    except ValidationError as error:
        raise BadInput(describe(error)) from None


def describe(error: ValidationError) -> str:
    """One line for a person: where, and what to write instead."""
    problems = error.errors(include_url=False)
    first = problems[0]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    if first["type"] == "json_invalid" and not first.get("input"):
        return "the body: is empty; write a JSON object, {} at least"
    given = repr(first.get("input"))
    given = given if len(given) <= 60 else given[:57] + "..."
    said = {
        "extra_forbidden": "is not a known field; take it out or correct its name",
        "missing": "is required",
        "dataclass_type": f"must be an object, not {given}",
        "unexpected_keyword_argument": "is not a known field; take it out or correct its name",
    }.get(first["type"], f"{_lower(first['msg'])}, not {given}")
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{where or 'the body'}: {said}{more}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
