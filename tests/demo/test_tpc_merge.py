"""Spectra of several files are added up, bin by bin; a file that cannot be read is left out and named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

from p3s.demo import daq, tpc
from p3s.pilot.collect import collect

RunPayload = Callable[..., Any]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two files as the monitor writes them: a map and a spectrum, of other contents each."""
    found = []
    for number in (1, 2):
        path = tmp_path_factory.mktemp("parts") / "hist.root"
        with uproot.recreate(path) as file:
            counts = np.arange(10.0) * number
            file["adc/U"] = (counts, np.linspace(-100, 200, 11))
            file["adc_channel/U"] = (np.outer(counts, np.arange(4.0)), np.arange(11.0), np.arange(5.0))
            file["noise/U"] = (counts, np.linspace(-100, 200, 11))
        found.append(path)
    return found


def test_bins_and_entries_are_added_up(files: list[Path], tmp_path: Path, run_payload: RunPayload) -> None:
    done = run_payload("tpc_merge.py", None, *map(str, files), P3S_RUN="7")
    assert (done.returncode, done.stderr) == (0, "")
    with uproot.open(tmp_path / "result/run.root") as merged:
        assert sorted(merged.keys(cycle=False, recursive=True, filter_classname="TH*")) == ["adc/U", "adc_channel/U"]
        for key in ("adc/U", "adc_channel/U"):
            parts = [uproot.open(path)[key] for path in files]
            assert np.array_equal(merged[key].values(flow=True), sum(part.values(flow=True) for part in parts))
            assert merged[key].member("fEntries") == sum(part.member("fEntries") for part in parts)
            assert merged[key].axis(0).edges().tolist() == parts[0].axis(0).edges().tolist()
    [result] = collect(tmp_path / "result").results
    assert (result["category"], result["run"], collect(tmp_path / "result").problems) == ("TPC run", 7, [])


def test_a_file_that_cannot_be_read_is_left_out_and_named(
    files: list[Path], tmp_path: Path, run_payload: RunPayload
) -> None:
    cut = tmp_path / "cut.root"
    cut.write_bytes(files[0].read_bytes()[:200])
    done = run_payload("tpc_merge.py", None, str(files[0]), str(cut))
    assert (done.returncode, done.stderr) == (0, "")
    [result] = collect(tmp_path / "result").results
    items = {item["name"]: item for item in result["items"]}
    assert items["files added up"]["value"] == 1
    assert (items["files"]["status"], "cut.root" in items["files"]["comment"]) == ("warning", True)


def test_every_plane_of_the_monitor_is_added_up(tmp_path: Path, run_payload: RunPayload) -> None:
    raw = daq.write_file(tmp_path, 1, 1, daq.simulate_file(1, 1, 1, tpc.TpcConfig()))
    assert run_payload("tpc_monitor.py", raw).returncode == 0
    histograms = str(tmp_path / "result/hist.root")
    assert run_payload("tpc_merge.py", None, histograms, histograms).returncode == 0
    with uproot.open(tmp_path / "result/run.root") as merged, uproot.open(histograms) as one:
        for plane in tpc.PLANES:
            assert merged[f"adc/{plane}"].member("fEntries") == 2 * one[f"adc/{plane}"].member("fEntries") > 0
