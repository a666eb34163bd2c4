"""What the JSON file beside a data file says of it. Its author knows nothing of p3s: whatever it holds, the file is
registered."""

import json
from dataclasses import replace
from typing import Any

from p3s.protocol.data import DatasetRequest
from p3s.protocol.data_bounds import check_dataset, check_json
from p3s.protocol.errors import BadInput

PROBLEM = "sidecar_problem"
"""The name in the metadata under which stands why there are none."""


def is_json(text: str) -> bool:
    """Whether all of it can be there."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def with_sidecar(request: DatasetRequest, text: str | None, error: str = "") -> DatasetRequest:
    """The file with what its side-car says: `run`, `subrun`, `keys`, `datatype`, `comment` and `adler32` become the
    dataset's where the file's name does not say otherwise; all of it is kept as metadata."""
    try:
        said = json.loads(text, parse_constant=_no_constant) if text is not None else None
    except (ValueError, RecursionError) as wrong:
        error, said = f"it is not JSON: {wrong}", None
    if not isinstance(said, dict):
        return replace(request, metadata={PROBLEM: error[:200] or "it is not a JSON object"})
    try:
        check_json(said, "it")
    except BadInput as wrong:
        return replace(request, metadata={PROBLEM: str(wrong)[:200]}, **_fields(request, said))
    return replace(request, metadata=said, **_fields(request, said))


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not a number that JSON knows")


def _fields(request: DatasetRequest, said: dict[str, Any]) -> dict[str, Any]:
    """Those that can be a dataset's, each for itself."""
    found: dict[str, Any] = {}
    kinds = {"run": int, "subrun": int, "datatype": str, "comment": str, "adler32": str}
    for name, kind in kinds.items():
        value = said.get(name)
        if getattr(request, name) in (None, "") and type(value) is kind:
            value = str(value).lower().removeprefix("0x").rjust(8, "0") if name == "adler32" else value
            if _fits(request, {name: value}):
                found[name] = value
    keys = said.get("keys")
    if isinstance(keys, dict):
        good = {name: value for name, value in keys.items() if _fits(request, {"keys": {name: value}})}
        both = {**good, **request.keys}
        found |= {"keys": both} if _fits(request, {"keys": both}) else {}
    return found


def _fits(request: DatasetRequest, fields: dict[str, Any]) -> bool:
    try:
        check_dataset(replace(request, **fields))
    except BadInput:
        return False
    return True
