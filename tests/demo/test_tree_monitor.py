"""The payload for trees: real open data where it is at hand, and small files made here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from p3s.pilot.collect import collect
from p3s.protocol.results import Item, Result, check

DATA = Path(__file__).parents[2].parent / "shared/data/root"
RunPayload = Callable[..., Any]


def real(name: str) -> Path:
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"no {name} in ../shared/data/root")
    return path


def collected(tmp_path: Path) -> Result:
    found = collect(tmp_path / "result")
    assert found.problems == []
    assert list(found.files) == ["tree.root"]
    result = check(found.results[0], found.files)
    assert not result.incomplete
    return result


def item(result: Result, name: str) -> Item:
    (found,) = (entry for entry in result.items if entry.name == name)
    return found


def objects(result: Result) -> set[str]:
    return {name for entry in result.items for name in entry.objects}


def nano_file(path: Path, events: int = 400, scale: float = 1.0) -> Path:
    """A file as NanoAOD is, each event with a Z of 91.2 GeV at rest that decays to two muons, and a third muon."""
    rng = np.random.default_rng(3)
    energy = scale * rng.normal(45.6, 0.5, events)
    eta, phi = rng.uniform(-1, 1, events), rng.uniform(-3, 0, events)
    pt = energy / np.cosh(eta)
    soft = np.full(events, 1.0)
    muons = {
        "pt": np.stack([pt, pt, soft], axis=1),
        "eta": np.stack([eta, -eta, soft], axis=1),
        "phi": np.stack([phi, phi + np.pi, soft], axis=1),
        "mass": np.full((events, 3), 0.106),
        "charge": np.tile(np.array([1, -1, 1], np.int32), (events, 1)),
    }
    with uproot.recreate(path) as file:
        jagged = ak.zip({name: ak.from_regular(ak.Array(values)) for name, values in muons.items()})
        file.mktree("Events", {"run": np.uint32, "luminosityBlock": np.uint32, "Muon": jagged.type.content})
        file["Events"].extend(
            {"run": np.full(events, 5, np.uint32), "luminosityBlock": np.full(events, 8, np.uint32), "Muon": jagged}
        )
    return path


def test_a_file_like_nanoaod_gives_the_z_peak_and_its_own_run(tmp_path: Path, run_payload: RunPayload) -> None:
    done = run_payload("tree_monitor.py", nano_file(tmp_path / "nano.root"), P3S_RUN="99")
    assert (done.returncode, done.stderr) == (0, "")
    result = collected(tmp_path)
    assert (result.run, result.subrun) == (5, 8)
    assert item(result, "muon pairs").value == 400
    assert item(result, "muons per event").value == 3
    peak = item(result, "Z peak")
    assert peak.value == pytest.approx(91.2, abs=0.2)
    assert peak.status == "good"
    with uproot.open(tmp_path / "result/tree.root") as file:
        assert file["dimuon/mass"].values().sum() == 400
        assert file["muon/pt"].values().sum() == 1200


def test_a_wrong_momentum_scale_shows_in_the_peak(tmp_path: Path, run_payload: RunPayload) -> None:
    run_payload("tree_monitor.py", nano_file(tmp_path / "nano.root", scale=1.03))
    assert item(collected(tmp_path), "Z peak").status == "bad"


def test_few_pairs_are_counted_but_not_judged(tmp_path: Path, run_payload: RunPayload) -> None:
    run_payload("tree_monitor.py", nano_file(tmp_path / "nano.root", events=20, scale=1.03))
    result = collected(tmp_path)
    assert item(result, "muon pairs").value == 20
    assert "Z peak" not in {entry.name for entry in result.items}
    assert result.status == "none"


def test_of_an_unknown_tree_the_numeric_branches_are_shown(tmp_path: Path, run_payload: RunPayload) -> None:
    path = tmp_path / "plain.root"
    with uproot.recreate(path) as file:
        file.mktree("t", {"x": np.float64, "run/number": np.int32, "adc": np.dtype((np.int16, (4,)))})
        file["t"].extend(
            {
                "x": np.array([1.0, np.nan, 3.0]),
                "run/number": np.arange(3, dtype=np.int32),
                "adc": np.ones((3, 4), "i2"),
            }
        )
    done = run_payload("tree_monitor.py", path, P3S_RUN="41")
    assert (done.returncode, done.stderr) == (0, "")
    result = collected(tmp_path)
    assert (result.run, result.subrun) == (41, None)
    assert objects(result) == {"branch/x", "branch/run_number", "branch/adc"}
    means = {entry.by["branch"]: entry.value for entry in result.items if entry.name == "mean"}
    assert means == {"x": 2.0, "run/number": 1.0, "adc": 1.0}


def test_real_nanoaod_of_cms_is_read(tmp_path: Path, run_payload: RunPayload) -> None:
    done = run_payload("tree_monitor.py", real("nanoAOD_2015_CMS_Open_Data_ttbar.root"))
    assert (done.returncode, done.stderr) == (0, "")
    result = collected(tmp_path)
    assert (result.run, result.subrun) == (1, 2272915)
    assert item(result, "events").value == 200
    assert item(result, "muons per event").value == pytest.approx(0.205)
    assert item(result, "muon pairs").value == 0


@pytest.mark.parametrize(
    ("name", "run", "pairs"), [("uproot-Zmumu.root", 148031, 2147), ("uproot-HZZ.root", None, 1406)]
)
def test_the_z_stands_where_it_should_in_real_data_of_cms(
    name: str, run: int | None, pairs: int, tmp_path: Path, run_payload: RunPayload
) -> None:
    done = run_payload("tree_monitor.py", real(name))
    assert (done.returncode, done.stderr) == (0, "")
    result = collected(tmp_path)
    assert (result.run, result.status) == (run, "good")
    assert item(result, "muon pairs").value == pairs
    assert item(result, "Z peak").value == pytest.approx(90.8, abs=0.2)


def test_our_mass_is_that_which_the_file_itself_holds(tmp_path: Path, run_payload: RunPayload) -> None:
    path = real("uproot-Zmumu.root")
    run_payload("tree_monitor.py", path)
    with uproot.open(path) as file:
        events = file["events"].arrays(["M", "Q1", "Q2"], library="np")
    opposite = events["M"][events["Q1"] * events["Q2"] < 0]
    expected, _ = np.histogram(opposite, 120, (0, 150))
    with uproot.open(tmp_path / "result/tree.root") as file:
        ours = file["dimuon/mass"].values()
    # The file's masses are rounded in places, so single events may lie in the bin beside.
    assert np.abs(np.cumsum(ours) - np.cumsum(expected)).max() <= 3


def test_a_truncated_file_and_one_without_a_tree_are_said_in_one_line(tmp_path: Path, run_payload: RunPayload) -> None:
    path = nano_file(tmp_path / "nano.root")
    whole = path.read_bytes()
    path.write_bytes(whole[:-500])
    done = run_payload("tree_monitor.py", path)
    promise = f"its header promises {len(whole)} bytes, it has {len(whole) - 500}; copy it again"
    assert (done.returncode, done.stderr) == (1, f"tree_monitor: {path} is truncated: {promise}\n")
    with uproot.recreate(path) as file:
        file["h"] = np.histogram([1.0, 2.0])
    done = run_payload("tree_monitor.py", path)
    assert (done.returncode, done.stderr) == (
        1,
        f"tree_monitor: {path} has no TTree, it has h; give a file with a tree\n",
    )
    assert run_payload("tree_monitor.py", None).stderr.startswith("tree_monitor: P3S_INPUT_PATH is not set")
