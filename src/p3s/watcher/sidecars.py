"""What the JSON file beside a data file says of it. Its author knows nothing of p3s: whatever it holds, the file is
registered."""

import json
import re
from dataclasses import replace
from typing import Any

from p3s.protocol.data import DatasetRequest
from p3s.protocol.data_bounds import check_json
from p3s.protocol.errors import BadInput

PROBLEM = "sidecar_problem"
"""The name in the metadata under which stands why there are none."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_ADLER32 = re.compile(r"[0-9a-f]{8}")


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
    fields: dict[str, Any] = {}
    for name in ("run", "subrun"):
        if getattr(request, name) is None and _is_whole(said.get(name)) and said[name] >= 0:
            fields[name] = said[name]
    for name, most in (("datatype", 40), ("comment", 2_000)):
        if not getattr(request, name) and isinstance(said.get(name), str):
            fields[name] = said[name][:most]
    adler32 = str(said.get("adler32", "")).lower().removeprefix("0x").rjust(8, "0")
    if "adler32" in said and _ADLER32.fullmatch(adler32):
        fields["adler32"] = adler32
    keys = said.get("keys")
    if isinstance(keys, dict):
        good = {name: value for name, value in keys.items() if _KEY.fullmatch(name) and _is_key(value)}
        fields["keys"] = {**good, **request.keys}
    return fields


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**62


def _is_key(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, str) and len(value) <= 200)
