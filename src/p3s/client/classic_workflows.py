"""What 2018's workflow.py took to make a workflow otherwise than its graph says: FILEINFO and JOBINFO."""

import json
from pathlib import Path
from typing import Any

from p3s.domain.workflows.fields import escaped
from p3s.domain.workflows.filenames import INHERIT, STICKY
from p3s.protocol.errors import BadInput
from p3s.protocol.workflows import DatumChange, NodeChange

from .descriptions import classic_environment


def file_info(text: str) -> tuple[str, dict[str, DatumChange]]:
    """The policy of names, and changes by edge: `sticky`, `inherit:NAME`, or JSON as text or as a file:
    {"source:target": {"name": ..., "dirpath": ..., "comment": ...}}. Raises BadInput."""
    if text in ("", STICKY) or text.startswith(INHERIT):
        return text, {}
    like = '{"source:target": {"name": "a.txt", "dirpath": "/data", "comment": "..."}}'
    changes = {}
    for name, entry, where in _entries(text, "file info", ("name", "dirpath", "comment"), like):
        for field, value in entry.items():
            if not isinstance(value, str):
                raise BadInput(f"{where}.{field}: must be text, not {value!r}")
        place = {field: escaped(entry[field]) for field in ("name", "dirpath") if field in entry}
        changes[name] = DatumChange(**place, comment=entry.get("comment"))
    return "", changes


def job_info(text: str) -> dict[str, NodeChange]:
    """Changes by node: JSON as text or as a file: {"node": {"payload": ..., "env": {...}}}. Raises BadInput."""
    changes = {}
    like = '{"node": {"payload": "/bin/date", "env": {"NAME": "value"}}}'
    for name, entry, where in _entries(text, "job info", ("payload", "env"), like) if text else ():
        payload = entry.get("payload")
        if payload is not None and not isinstance(payload, str):
            raise BadInput(f"{where}.payload: must be text, not {payload!r}")
        env = classic_environment(entry.get("env") or {}, where)
        changes[name] = NodeChange(payload, {variable: escaped(value) for variable, value in env.items()})
    return changes


def _entries(text: str, what: str, known: tuple[str, ...], like: str) -> list[tuple[str, dict[str, Any], str]]:
    """By name what is said of it, and where that is."""
    where = what
    if not text.lstrip().startswith("{"):
        where = text
        try:
            text = Path(text).read_text()
        except (OSError, UnicodeDecodeError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            raise BadInput(f"{what}: cannot read {where}: {said}; write a file's name, or {like}") from None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: is not JSON: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(entry, dict) for entry in found.values()):
        raise BadInput(f"{where}: must be like {like}")
    for name, entry in found.items():
        for field in entry:
            if field not in known:
                raise BadInput(f"{where}: {name}.{field} is not a known field; known are {', '.join(known)}")
    return [(name, entry, f"{where}: {name}") for name, entry in found.items()]
