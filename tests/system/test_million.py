"""A million files in one directory: how long the first scan takes, what it needs, what the next ones cost."""

import time
from pathlib import Path

import psutil
import pytest

from .conftest import P3S, Place

pytestmark = [pytest.mark.system, pytest.mark.nightly]

FILES = 1_000_000
MOST_MEMORY = 2 * 10**9
RESCAN_S = 30.0


@pytest.mark.timeout(7200)
def test_a_million_files_are_registered_and_known_after_a_restart(place: Place, tmp_path: Path) -> None:
    place.start_server()
    data = tmp_path / "data"
    data.mkdir()
    for number in range(FILES):
        (data / f"x{number // 1000}_{number % 1000}.dat").touch()
    file = tmp_path / "s.yaml"
    rule = "complete: {renamed: true}, payload: /bin/true, take: {one_in: 1000, first_of_run: 0}"
    file.write_text(f'streams: {{s: {{files: "data/x{{run:d}}_{{subrun:d}}.dat", {rule}}}}}\n')
    figures = []
    for turn, start in enumerate(("first", "again")):
        began = time.monotonic()
        watcher = place.spawn("watcher", P3S, "watcher", "start", str(file), "--name", "million")
        peak, ready = 0, False
        while not ready:
            family = [psutil.Process(watcher.pid), *psutil.Process(watcher.pid).children()]
            peak = max(peak, sum(one.memory_info().rss for one in family))
            next_at = time.monotonic() + 1
            place.until("a second goes by", lambda next_at=next_at: time.monotonic() > next_at)
            ready = "inbox 0 files" in _said(place) and "last x" in _said(place)
        figures.append(f"{start}: {time.monotonic() - began:.0f} s, {peak / 1e6:.0f} MB")
        assert peak < MOST_MEMORY
        new = f"x{FILES}_{turn}.dat"
        (data / new).write_text("1")
        at = time.monotonic()
        place.until("a new file is known", lambda new=new: place.client.datasets(name=new), 60)
        figures.append(f"a new file is known after {time.monotonic() - at:.2f} s")
        reader = psutil.Process(watcher.pid).children()[0]
        used = reader.cpu_times().user + reader.cpu_times().system
        figures.append(f"the reader has used {used:.0f} s of CPU")
        watcher.kill()
        watcher.wait()
        place.client.forget_service("million")
    assert place.client.summary()["datasets"] == FILES + 2
    print("\n".join(figures))


def _said(place: Place) -> str:
    return next((str(one["said"]) for one in place.client.services() if one["name"] == "million"), "")
