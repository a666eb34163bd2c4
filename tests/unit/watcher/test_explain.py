"""What a stream is said to make of a file, before anybody is told of it."""

from pathlib import Path

import pytest
from tests.unit.watcher.test_stream_files import written

from p3s.watcher.explain import explain
from p3s.watcher.inbox import Clock
from p3s.watcher.streams import read


@pytest.mark.parametrize(
    ("rule", "sidecar", "says"),
    [
        ("sidecar: '{name}.json', checksum: true", True, "taken, unless its side-car says another adler32"),
        ("sidecar: {name: '{name}.json', wait: 0s}, checksum: true", False, "taken"),
        ("sidecar: '{name}.json'", True, "taken"),
    ],
)
def test_a_checksum_that_is_still_to_be_made_is_said(tmp_path: Path, rule: str, sidecar: bool, says: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/x1.dat").write_text("1")
    if sidecar:
        (tmp_path / "data/x1.dat.json").write_text('{"adler32": "00000001"}')
    text = f'streams: {{s: {{files: "data/x{{run:d}}.dat", complete: {{renamed: true}}, payload: y, {rule}}}}}'
    [found] = explain(str(tmp_path / "data/x1.dat"), read(written(tmp_path, text)).streams, Clock())
    assert found.verdict == says
