"""The simulated data acquisition."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import uproot

from p3s.demo import daq, tpc

CONFIG = tpc.TpcConfig()


def noise_of_boards(raw: dict[str, tpc.Waveforms], plane: str) -> np.ndarray:
    """Median absolute deviation from the pedestal, by board."""
    adc = raw[plane].astype(float)
    spread = np.median(np.abs(adc - np.median(adc, axis=(0, 2), keepdims=True)), axis=(0, 2))
    return np.asarray(spread.reshape(CONFIG.boards, -1).mean(axis=1))


def test_the_same_seed_gives_the_same_data_and_another_seed_or_subrun_another() -> None:
    first = daq.simulate_file(1, 2, 3, CONFIG, events=1)
    assert all(np.array_equal(first[p], daq.simulate_file(1, 2, 3, CONFIG, events=1)[p]) for p in tpc.PLANES)
    assert not np.array_equal(first["U"], daq.simulate_file(2, 2, 3, CONFIG, events=1)["U"])
    assert not np.array_equal(first["U"], daq.simulate_file(1, 2, 4, CONFIG, events=1)["U"])


def test_waveforms_have_the_shape_the_range_and_the_pulses_of_their_plane() -> None:
    raw = daq.simulate_file(1, 1, 1, CONFIG, events=3)
    for plane in tpc.PLANES:
        assert raw[plane].shape == (3, CONFIG.channels, CONFIG.ticks)
        assert raw[plane].dtype == np.int16
        assert raw[plane].min() >= 0
        assert raw[plane].max() < 4096
        above = raw[plane] - np.median(raw[plane], axis=(0, 2), keepdims=True)
        assert above.max() > 40
        # Induction pulses go both ways, collection pulses only up.
        assert (above.min() < -40) == (plane != "Z")


def test_noise_of_a_board_goes_together() -> None:
    config = tpc.TpcConfig(tracks=1.0, charge_per_mm=0.0)
    raw = daq.simulate_file(1, 1, 1, config, events=1)["U"][0].astype(float)
    together = np.corrcoef(raw)
    board = np.arange(CONFIG.channels) // CONFIG.board_channels
    same = (board[:, np.newaxis] == board) & ~np.eye(CONFIG.channels, dtype=bool)
    # Of the variance 3.2^2 + 1.4^2, the common part is 0.16.
    assert together[same].mean() == pytest.approx(0.16, abs=0.03)
    assert abs(together[board[:, np.newaxis] != board].mean()) < 0.03


def test_a_sick_run_has_a_dead_and_a_noisy_board_in_every_file() -> None:
    sickness = daq.sickness_of(1, 2, 2, 2, CONFIG)
    assert sickness.dead is not None
    assert sickness.noisy is not None
    assert sickness.dead.plane != sickness.noisy.plane
    for subrun in (1, 2):
        raw = daq.simulate_file(1, 2, subrun, CONFIG, sickness, events=1)
        dead, noisy = noise_of_boards(raw, sickness.dead.plane), noise_of_boards(raw, sickness.noisy.plane)
        assert dead[sickness.dead.number] == 0
        assert np.argmax(noisy) == sickness.noisy.number
        assert noisy.max() > 3 * np.median(noisy)


def test_every_second_run_is_sick_and_none_when_asked_so() -> None:
    sick = [daq.sickness_of(1, run, run, 2, CONFIG) != tpc.HEALTHY for run in range(1, 5)]
    assert sick == [False, True, False, True]
    assert daq.sickness_of(1, 2, 2, 0, CONFIG) == tpc.HEALTHY


def test_a_file_reads_back_and_nothing_hidden_stays(tmp_path: Path) -> None:
    raw = daq.simulate_file(1, 7, 2, CONFIG, events=2)
    path = daq.write_file(tmp_path, 7, 2, raw)
    assert [entry.name for entry in tmp_path.iterdir()] == ["tpc_run000007_0002.root"]
    with uproot.open(path) as file:
        arrays = file["raw"].arrays(library="np")
    assert np.array_equal(arrays["adc_z"], raw["Z"])
    assert arrays["event"].tolist() == [1, 2]


def test_the_command_writes_runs_of_subruns_and_says_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["--runs", "2", "--subruns", "2", "--interval", "0", "--events", "1", "--first-run", "41"]
    assert daq.main(["--out", str(tmp_path / "new"), *line]) == 0
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == [f"tpc_run0000{run}_000{subrun}.root" for run in (41, 42) for subrun in (1, 2)]
    said = capsys.readouterr().out.splitlines()
    assert [text.split()[0] for text in said] == names
    assert ["healthy" in text for text in said] == [True, True, False, False]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_endless_acquisition_ends_cleanly_when_told(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "p3s.demo.daq", "--out", str(tmp_path), "--events", "1", "--interval", "3600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("tpc_run000001_0001.root")
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == ""
    assert [entry.name for entry in tmp_path.iterdir()] == ["tpc_run000001_0001.root"]


def test_a_directory_that_cannot_be_written_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert daq.main(["--out", str(tmp_path / "file"), "--runs", "1"]) == 1
    assert capsys.readouterr().err.startswith(f"daq: cannot write to {tmp_path / 'file'}: ")
