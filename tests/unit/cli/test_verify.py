"""Files that are read again are files."""

import os
from pathlib import Path
from typing import Any

import pytest

from p3s.cli.verify import compared


@pytest.mark.parametrize("kind", ["pipe", "directory", "device"])
def test_what_is_no_file_is_not_read(tmp_path: Path, kind: str) -> None:
    place = Path("/dev/zero") if kind == "device" else tmp_path / kind
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "directory":
        place.mkdir()
    row: dict[str, Any] = {"kind": "file", "url": str(place), "size": None, "adler32": ""}
    assert compared(row) == (False, f"cannot read {place}: it is no regular file", {})
