"""What the demo tells of what happens: of files that arrive, whatever else people do on its server meanwhile."""

from pathlib import Path
from typing import Any

import pytest

from p3s.demo import show


class Server:
    """Two files of which one is a workflow's; results of both, of a merge, and of a job without a file."""

    def datasets(self, limit: int, *, stream: str = "") -> list[dict[str, Any]]:  # noqa: ARG002
        found = [("raw", "tpc", 100.0), ("sum", "", 101.0)]
        return [
            {"uuid": name, "name": f"{name}.root", "registered_at": at}
            for name, of, at in found
            if not stream or of == stream
        ]

    def jobs(self, limit: int) -> list[Any]:  # noqa: ARG002
        return []

    def results(self, limit: int) -> list[dict[str, Any]]:  # noqa: ARG002
        said = (("tpc", "raw", 7), ("sum", "sum", 7), (show.MERGE, None, 7), ("mine", None, None))
        return [
            {"id": n, "jobtype": jobtype, "dataset": file, "dataset_name": file, "run": run, "status": "good"}
            | {"published_at": 102.5}
            for n, (jobtype, file, run) in enumerate(said)
        ]


def test_what_workflows_write_has_not_arrived(tmp_path: Path) -> None:
    lines: list[str] = []
    server: Any = Server()
    seen = show._look(server, show._stream_of(show.Plan(tmp_path)), 10)
    told = show._Told(lines.append)
    for _ in range(2):
        told.progress(seen)
    assert sorted(lines) == [
        "arrived   raw.root",
        "merged    run 7: the spectra of its files, added up",
        "on display  2.5 s after arrival: raw, good",
    ]


@pytest.mark.parametrize(("data", "stream"), [(None, "tpc"), (Path("/data"), "trees")])
def test_its_files_are_those_of_its_stream(tmp_path: Path, data: Path | None, stream: str) -> None:
    plan = show.Plan(tmp_path, data=data)
    assert show._streams(plan, tmp_path).startswith(f"streams:\n  {stream}:\n")
    assert show._stream_of(plan) == stream
