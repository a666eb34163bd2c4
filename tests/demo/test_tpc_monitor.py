"""From the simulated acquisition through the payload to a collected result."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from p3s.demo import daq, tpc
from p3s.pilot.collect import collect
from p3s.protocol.results import Item, Result, check

CONFIG = tpc.TpcConfig()
SICK = daq.sickness_of(1, 2, 2, 2, CONFIG)
RunPayload = Callable[..., Any]


def raw_file(directory: Path, run: int = 1, sickness: tpc.Sickness = tpc.HEALTHY) -> Path:
    return daq.write_file(directory, run, 3, daq.simulate_file(1, run, 3, CONFIG, sickness))


def collected(tmp_path: Path) -> Result:
    found = collect(tmp_path / "result")
    assert found.problems == []
    assert sorted(found.files) == ["display_U.png", "display_V.png", "display_Z.png", "hist.root"]
    return check(found.results[0], found.files)


def item(result: Result, name: str, plane: str | None = None) -> Item:
    by = {} if plane is None else {"plane": plane}
    (found,) = (entry for entry in result.items if (entry.name, entry.by) == (name, by))
    return found


def test_a_healthy_run_is_good_in_everything(tmp_path: Path, run_payload: RunPayload) -> None:
    done = run_payload("tpc_monitor.py", raw_file(tmp_path), P3S_RUN="99")
    assert (done.returncode, done.stderr) == (0, "")
    result = collected(tmp_path)
    assert (result.category, result.run, result.subrun) == ("TPC monitor", 1, 3)
    assert (result.status, result.incomplete) == ("good", False)
    displays = item(result, "Event display")
    assert [entry.by for entry in displays.files] == [{"plane": plane} for plane in tpc.PLANES]
    assert (tmp_path / "result/display_U.png").read_bytes().startswith(b"\x89PNG")
    for plane in tpc.PLANES:
        noise = item(result, "noise", plane).value
        assert noise == pytest.approx(np.hypot(CONFIG.white_noise, CONFIG.board_noise), rel=0.2)


def test_a_sick_run_is_bad_and_the_sick_boards_are_named(tmp_path: Path, run_payload: RunPayload) -> None:
    assert run_payload("tpc_monitor.py", raw_file(tmp_path, 2, SICK)).returncode == 0
    result = collected(tmp_path)
    assert (result.status, result.incomplete) == ("bad", False)
    assert item(result, "dead channels").value == CONFIG.board_channels
    assert item(result, "dead channels").status == "bad"
    assert item(result, "noisy channels").value == CONFIG.board_channels
    boards = item(result, "boards")
    assert boards.status == "bad"
    assert f"{SICK.dead} dead" in boards.comment
    assert f"{SICK.noisy} noisy" in boards.comment


def test_the_histograms_hold_what_the_numbers_say(tmp_path: Path, run_payload: RunPayload) -> None:
    run_payload("tpc_monitor.py", raw_file(tmp_path, 2, SICK))
    assert SICK.dead is not None
    with uproot.open(tmp_path / "result/hist.root") as file:
        noise = file[f"noise/{SICK.dead.plane}"].values()
        assert (noise == 0).sum() == CONFIG.board_channels
        assert noise[SICK.dead.number * 16] == 0
        assert file["adc_channel/U"].values().sum() == 4 * CONFIG.channels * CONFIG.ticks
        assert file["adc_channel/U"].values().shape[0] == CONFIG.channels
        assert file["pedestal/Z"].values()[-1] == pytest.approx(500, abs=150)
        drawn = {name.partition("/")[0] for name in file.keys(cycle=False) if "/" in name}
    published = {pattern.partition("/")[0] for entry in collected(tmp_path).items for pattern in entry.objects}
    assert published == drawn


def test_a_truncated_file_is_said_to_be_so(tmp_path: Path, run_payload: RunPayload) -> None:
    whole = raw_file(tmp_path).read_bytes()
    cut = tmp_path / "cut.root"
    cut.write_bytes(whole[:100_000])
    done = run_payload("tpc_monitor.py", cut)
    says = f"tpc_monitor: {cut} is truncated: its header promises {len(whole)} bytes, it has 100000; copy it again\n"
    assert (done.returncode, done.stderr) == (1, says)
    assert collect(tmp_path / "result").results == []


def foreign(path: Path) -> Path:
    with uproot.recreate(path) as file:
        file["h"] = np.histogram([1.0, 2.0])
    return path


def damaged(path: Path) -> Path:
    whole = bytearray(raw_file(path.parent).read_bytes())
    (end,) = struct.unpack(">i", whole[12:16])
    whole[end - 4000 : end] = b"\xff" * 4000
    path.write_bytes(whole)
    return path


def text(path: Path) -> Path:
    path.write_text("not a ROOT file, but long enough for a header")
    return path


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (foreign, "has no tree 'raw', it has h; give a raw file of the TPC"),
        (damaged, "copy it again"),
        (text, "is not a ROOT file"),
        (lambda path: path, "does not exist or is no file; check P3S_INPUT_PATH"),
        (lambda path: path.parent, "does not exist or is no file"),
        (lambda _path: None, "P3S_INPUT_PATH is not set"),
    ],
)
def test_what_cannot_be_processed_is_said_in_one_line(
    make: Callable[[Path], Path | None], says: str, tmp_path: Path, run_payload: RunPayload
) -> None:
    done = run_payload("tpc_monitor.py", make(tmp_path / "input.root"))
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("tpc_monitor: ")
    assert says in line


def test_a_result_directory_that_is_not_there_is_said(tmp_path: Path, run_payload: RunPayload) -> None:
    done = run_payload("tpc_monitor.py", raw_file(tmp_path), P3S_RESULT_DIR=str(tmp_path / "gone"))
    assert done.returncode == 1
    assert "check P3S_RESULT_DIR" in done.stderr
