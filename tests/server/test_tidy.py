"""Files of workflows whose `keep` has run out are deleted: those, when nobody needs them, and on the record."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.server.test_workflows import job, name, nodes_of, run, shown, started

Server = Any
Pilot = Any

CHAIN: dict[str, Any] = {
    "make": {"payload": "true"},
    "use": {"payload": "true", "inputs": {"IN": ["make.OUT"]}, "on_failure": "continue"},
}


def data(keep: float | None = 0.0, **more: Any) -> dict[str, Any]:
    return {
        "make.OUT": {"node": "make", "variable": "OUT", "keep": keep, **more},
        "use.SUM": {"node": "use", "variable": "SUM"},
    }


def write(server: Server, workflow: str, node: str = "make") -> Path:
    """What its payload would write."""
    path = Path(nodes_of(server, workflow)[node]["outputs"][0]["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("12345")
    return path


def ended(server: Server, last: str = "finished", **more: Any) -> tuple[str, Path]:
    """A workflow of CHAIN that has ended, and the file of its first node."""
    workflow = started(server, CHAIN, data(), **more)
    pilot = server.pilot()
    run(pilot, job(server, workflow, "make"))
    path = write(server, workflow)
    run(pilot, job(server, workflow, "use"), last)
    return workflow, path


def tidy(server: Server, more: str = "?wait=20") -> str:
    found = server.good("POST", f"/api/v1/services/tidy/run{more}")
    assert (found["running"], found["error"]) == (False, "")
    return str(found["said"])


def dataset(server: Server, path: Path) -> dict[str, Any]:
    (found,) = server.good("GET", f"/api/v1/datasets?which={path}")["datasets"]
    detail: dict[str, Any] = server.good("GET", f"/api/v1/datasets/{found['uuid']}")
    return detail


def test_a_file_goes_when_its_keep_has_run_out_and_the_rest_stays(server: Server) -> None:
    workflow, path = ended(server)
    other = write(server, workflow, "use")
    assert f"the first {path}" in tidy(server, "?dry_run=true")
    assert path.exists(), "a dry run deletes nothing"
    assert tidy(server).startswith("1 file deleted")
    assert (path.exists(), other.exists()) == (False, True)
    found = dataset(server, path)
    assert found["state"] == "dropped"
    (event,) = [one for one in found["events"] if one["what"] == "dropped"]
    assert (event["who"], workflow in event["why"]) == ("p3s", True)
    assert event["why"].startswith("its keep ran out")
    assert dataset(server, other)["state"] == "available"
    lineage = server.good("GET", f"/api/v1/lineage?of={other}&way=up")
    assert any(path.name in str(one) for one in lineage["nodes"]), "what it was made of is still known"
    assert tidy(server).startswith("0 files deleted")


def test_a_file_is_kept_for_its_time(server: Server) -> None:
    workflow = started(server, {"make": CHAIN["make"]}, {"make.OUT": data(3_600.0)["make.OUT"]})
    run(server.pilot(), job(server, workflow, "make"))
    path = write(server, workflow)
    tidy(server)
    assert (path.exists(), dataset(server, path)["state"]) == (True, "available")
    kept = server.good("POST", "/api/v1/purges", {"what": "workflows", "uuids": [workflow]})
    assert (kept["removed"], kept["kept"]) == (0, 1), "without its record nobody would delete the file"


def test_a_file_stays_while_a_job_elsewhere_reads_it(server: Server) -> None:
    _, path = ended(server)
    other = started(
        server, {"look": {"payload": "true", "inputs": {"IN": ["inputs"]}}}, {}, inputs=[str(path)], hold=True
    )
    assert "1 jobs that read or write it have not ended" in tidy(server)
    assert path.exists()
    (plain,) = server.submit({"payload": "true", "input": str(path)})
    server.good("POST", f"/api/v1/workflows/{other}/cancel", {})
    assert "1 jobs that read or write it have not ended" in tidy(server)
    server.good("POST", f"/api/v1/jobs/{plain}/cancel", {})
    assert tidy(server).startswith("1 file deleted")
    assert not path.exists()


def test_what_needs_a_deleted_file_says_why_it_cannot_run(server: Server) -> None:
    workflow, path = ended(server, "failed")
    failed = job(server, workflow, "use")
    assert tidy(server).startswith("1 file deleted")
    again = server.ask("POST", f"/api/v1/workflows/{workflow}/rerun", {"failed": True})
    assert again.status == 409
    assert f"its input {path} was deleted: its keep ran out" in again.detail
    assert f"p3s workflow rerun {workflow} makes it anew" in again.detail
    alone = server.ask("POST", "/api/v1/reruns", {"uuids": [failed]})
    assert (alone.status, f"its input {path} was deleted" in alone.detail) == (409, True), alone.detail
    nodes = {"look": {"payload": "true", "inputs": {"IN": ["inputs"]}}}
    template = name()
    server.good("PUT", f"/api/v1/templates/{template}", {"name": template, "nodes": nodes, "data": {}})
    other = server.ask("POST", "/api/v1/workflows", {"template": template, "inputs": [str(path)]})
    assert (other.status, "was deleted" in other.detail) == (409, True)
    whole = server.good("POST", f"/api/v1/workflows/{workflow}/rerun", {})["workflow"]
    assert nodes_of(server, whole)["make"]["state"] == "defined"


def test_work_that_is_taken_over_keeps_its_files_until_the_later_workflow_has_ended(server: Server) -> None:
    workflow, path = ended(server, "failed")
    later = server.good("POST", f"/api/v1/workflows/{workflow}/rerun", {"failed": True})["workflow"]
    tidy(server)
    assert path.exists()
    run(server.pilot(), job(server, later, "use"))
    tidy(server)
    assert not path.exists()


@pytest.mark.parametrize("how", ["link", "changed", "set", "directory"])
def test_what_is_not_surely_the_workflow_s_own_stays(server: Server, how: str, tmp_path: Path) -> None:
    workflow, path = ended(server)
    precious = tmp_path / "precious"
    precious.write_text("x")
    if how == "set":
        server.good("PUT", f"/api/v1/sets/{name()}", {"add": [str(path)]})
    elif how == "changed":
        os.utime(path, (time.time(), time.time() + 3_600))
    else:
        path.unlink()
        path.symlink_to(precious) if how == "link" else path.mkdir()
    words = {"link": "a link", "changed": "changed after", "set": "has it", "directory": "a directory"}[how]
    said = tidy(server)
    assert words in said, said
    assert (path.exists(), precious.exists()) == (True, True)
    found = dataset(server, path)
    assert found["state"] == "available"
    (event,) = [one for one in found["events"] if one["what"] == "kept"]
    assert words in event["why"]
    assert words not in tidy(server), "it is decided once"
    assert shown(server, workflow)["state"] == "finished"


def test_files_where_the_server_may_not_delete_stay_and_that_is_said(server: Server, tmp_path: Path) -> None:
    template = name()
    body = {"name": template, "nodes": CHAIN, "data": data()}
    server.good("PUT", f"/api/v1/templates/{template}", body)
    reply = server.good("POST", "/api/v1/workflows", {"template": template, "directory": str(tmp_path / "mine")})
    assert any(f"files in {tmp_path / 'mine'} stay until somebody deletes them" in note for note in reply["notes"])
    workflow, pilot = reply["workflow"], server.pilot()
    run(pilot, job(server, workflow, "make"))
    path = write(server, workflow)
    run(pilot, job(server, workflow, "use"))
    assert "workflows' files are not in the server's reach" in tidy(server, "?dry_run=true")
    assert f"{tmp_path / 'mine'} is not below" in tidy(server)
    assert path.exists()
    (event,) = [one for one in shown(server, workflow)["events"] if one["what"] == "files kept"]
    assert "where this server deletes" in event["why"]
    assert server.good("POST", "/api/v1/purges", {"what": "workflows", "uuids": [workflow]})["removed"] == 1


def test_the_operator_names_more_places_and_the_server_s_own_files_are_in_none(
    own_server: Callable[..., Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = own_server()
    environment = server.environment()
    monkeypatch.setattr(type(server), "environment", staticmethod(lambda: {**environment, "P3S_TIDY": str(tmp_path)}))
    server.start()
    _, path = ended(server, directory=str(tmp_path / "mine"))
    workflow = started(
        server,
        {"make": CHAIN["make"]},
        {"make.OUT": data(name="server.json")["make.OUT"]},
        directory=str(server.directory),
    )
    run(server.pilot(), job(server, workflow, "make"))
    said = tidy(server)
    assert said.startswith("1 file deleted"), said
    assert f"{server.directory}/server.json: it is the server's own" in said
    assert (path.exists(), (server.directory / "server.json").exists()) == (False, True)


def test_a_workflow_s_record_outlives_its_files_and_lineage_answers_after_it(server: Server) -> None:
    workflow, path = ended(server)
    assert tidy(server).startswith("1 file deleted")
    assert server.good("POST", "/api/v1/purges", {"what": "workflows", "uuids": [workflow]})["removed"] == 1
    assert dataset(server, path)["state"] == "dropped", "that it was is still known"
