"""Payloads that are not here, or cannot be run, are told before any job is made of them."""

from pathlib import Path

import pytest

from p3s.cli.watcher import check_files

STREAMS = """
streams:
  np04:
    files: "raw/run{run:d}.root"
    jobs:
      away: {payload: ./nothere.sh --fast}
      plain: {payload: ./plain.sh}
      well: {payload: ./well.sh}
      path: {payload: env}
      bare: {payload: well.sh}
    gather: {sum: {payload: ./merge.py, of: well, every: 2}}
"""


def test_a_stream_s_payloads_are_doubted_when_its_file_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "streams.yaml"
    file.write_text(STREAMS)
    for name, mode in {"plain.sh": 0o644, "well.sh": 0o755}.items():
        (tmp_path / name).touch(mode=mode)
    check_files([file], json=True)
    assert capsys.readouterr().err.splitlines() == [
        f"note: streams.np04.jobs.away: {tmp_path}/nothere.sh is not on this machine; where the pilot runs, it must be",
        f"note: streams.np04.jobs.plain: {tmp_path}/plain.sh is not executable: chmod +x {tmp_path}/plain.sh",
        "note: streams.np04.jobs.bare: well.sh is looked for on the pilot's PATH; the file here is ./well.sh",
        f"note: streams.np04.gather.sum: {tmp_path}/merge.py is not on this machine; where the pilot runs, it must be",
    ]


def test_a_run_that_is_a_text_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "streams.yaml"
    file.write_text('streams: {a: {files: "raw/run{run}_{subrun:d}_{dl}.root", payload: env}}')
    check_files([file], json=True)
    assert capsys.readouterr().err == ("note: streams.a.files: {run} is text, of which no run comes; write {run:d}\n")
