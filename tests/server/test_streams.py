"""A stream's rule is changed live, made what it was, paused; and a file that declares it again undoes none of it."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

Server = Any
PAYLOAD = {"payload": "true"}


@pytest.fixture
def stream(server: Server) -> str:
    """Declared: one job type, named as the stream."""
    name = f"s{uuid.uuid4().hex[:12]}"
    declare(server, name)
    return name


def declare(server: Server, name: str, force: bool = False, **rule: Any) -> Any:
    spec = {"name": name, "jobs": {name: PAYLOAD}, "env": {"A": "1", "B": "1"}, **rule}
    return server.good("PUT", f"/api/v1/streams/{name}{'?force=true' if force else ''}", spec)


def change(server: Server, name: str, unset: tuple[str, ...] = (), dry_run: bool = False, **changes: Any) -> Any:
    """`env__A="2"` is the path env.A."""
    paths = {path.replace("__", "."): value for path, value in changes.items()}
    body = {"changes": paths, "unset": list(unset), "why": "a reason", "dry_run": dry_run}
    return server.good("POST", f"/api/v1/streams/{name}/changes", body)


def spec(server: Server, name: str) -> Any:
    return server.good("GET", f"/api/v1/streams/{name}")["spec"]


def a_job(server: Server, name: str) -> Any:
    """Of a file that comes now."""
    (job,) = server.good("POST", "/api/v1/datasets", {"url": f"/data/{uuid.uuid4()}", "stream": name})["jobs"]
    return server.job(job)


# ---- live changes


def test_a_change_holds_for_files_that_come_from_then_on(server: Server, stream: str) -> None:
    before = a_job(server, stream)
    changed = change(server, stream, env__A="2", take__one_in=1)
    assert (changed["version"], changed["changes"]) == (2, [{"path": "env.A", "before": "1", "after": "2"}])
    after = a_job(server, stream)
    assert [(job["env"]["A"], job["stream_version"]) for job in (before, after)] == [("1", 1), ("2", 2)]


def test_results_name_the_version_that_made_them(server: Server, stream: str) -> None:
    change(server, stream, env__A="2")
    job = a_job(server, stream)["uuid"]
    token = server.pilot().take(job)["token"]
    result = {"p3s_result": 1, "category": "c", "items": [{"kind": "number", "name": "n", "value": 1}]}
    server.good("POST", f"/api/v1/jobs/{job}/attempts/1/results", {"results": [result]}, token=token)
    (row,) = server.good("GET", f"/api/v1/results?job={job}")["results"]
    assert (row["stream"], row["stream_version"]) == (stream, 2)


def test_what_is_so_already_is_no_new_version(server: Server, stream: str) -> None:
    assert change(server, stream, env__A="1")["notes"] == ["it is so already"]
    assert change(server, stream, env__A="9", dry_run=True)["changes"] != []
    assert server.good("GET", f"/api/v1/streams/{stream}")["version"] == 1


def test_what_is_unset_has_its_default_again(server: Server, stream: str) -> None:
    change(server, stream, waiting__at_most=5, take__one_in=3)
    assert spec(server, stream)["waiting"] == {"at_most": 5}
    change(server, stream, unset=("waiting", "take.one_in", "env.A"))
    assert spec(server, stream) == {"name": stream, "jobs": {stream: PAYLOAD}, "env": {"B": "1"}}


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("tkae.one_in", 3, "did you mean take?"),
        ("take.one_inn", 3, "did you mean one_in?"),
        ("take.one_in", "3", "must be a whole number"),
        ("take.one_in", 0, "from 1 to"),
        ("take", {"one_in": 3}, "take.one_in"),
        ("jobs.nobody.one_in", 3, "there is no jobs.nobody yet"),
        ("waiting.then", "refuse", "waiting.at_most: is required"),
        ("env.A B", "x", "not a variable name"),
        ("name", "other", "keeps its name"),
        ("files", "/x", "in the stream file"),
        ("gather.g.payload", "x", "gather.g.of: is required"),
    ],
)
def test_a_change_that_cannot_be_says_what_can(server: Server, stream: str, path: str, value: Any, says: str) -> None:
    body = {"changes": {path: value}, "why": "a reason"}
    answer = server.ask("POST", f"/api/v1/streams/{stream}/changes", body)
    assert (answer.status, says in answer.detail) == (422, True), answer.detail


def test_a_change_wants_a_reason_and_a_stream(server: Server, stream: str) -> None:
    body = {"changes": {"env.A": "2"}}
    answer = server.ask("POST", f"/api/v1/streams/{stream}/changes", body)
    assert (answer.status, "why: is required" in answer.detail) == (422, True)
    assert server.ask("POST", "/api/v1/streams/nobody/changes", {**body, "why": "x"}).status == 404


def test_a_stream_goes_back_to_what_it_was(server: Server, stream: str) -> None:
    first = spec(server, stream)
    change(server, stream, env__A="2")
    second = spec(server, stream)
    change(server, stream, env__A="3")
    path = f"/api/v1/streams/{stream}/revert"
    assert server.good("POST", path, {"to": 2, "why": "3 crashes"})["version"] == 4
    assert spec(server, stream) == second
    assert server.good("POST", path, {"why": "2 too"})["version"] == 5
    assert spec(server, stream) == first
    assert server.good("POST", path, {"why": "again"})["changes"] == []
    answer = server.ask("POST", path, {"to": 77, "why": "x"})
    assert (answer.status, "p3s stream versions" in answer.detail) == (404, True)


def test_every_version_says_who_when_why_and_what(server: Server, stream: str) -> None:
    change(server, stream, env__A="2")
    server.good("POST", f"/api/v1/streams/{stream}/revert", {"to": 1, "why": "it crashes"})
    found = server.good("GET", f"/api/v1/streams/{stream}/versions")["versions"]
    assert [(one["version"], one["what"], one["why"]) for one in found] == [
        (3, "reverted", "to version 1: it crashes"),
        (2, "set", "a reason"),
        (1, "declared", ""),
    ]
    assert [len(one["changes"]) for one in found] == [1, 1, 0]
    assert all(one["owner"] and one["at"] > 1e9 for one in found)
    first = server.good("GET", f"/api/v1/streams/{stream}/versions?limit=1")
    assert [one["version"] for one in first["versions"]] == [3]
    rest = server.good("GET", f"/api/v1/streams/{stream}/versions?cursor={first['next']}")
    assert [one["version"] for one in rest["versions"]] == [2, 1]
    said = server.good("GET", f"/api/v1/events?kind=stream&object={stream}")["events"]
    assert [one["what"] for one in said] == ["reverted", "set", "declared"]
    assert said[1]["why"] == "version 2; env.A 1 -> 2; a reason"


# ---- a file that declares it again


def test_the_same_file_again_keeps_what_was_changed_live(server: Server, stream: str) -> None:
    change(server, stream, env__A="2")
    again = declare(server, stream)
    assert (again["version"], again["changed"]) == (2, False)
    assert again["notes"] == [
        f"live changes of version 2 are kept: env.A (p3s stream revert {stream}, or declaring with --force, drops them)"
    ]
    assert spec(server, stream)["env"]["A"] == "2"
    forced = declare(server, stream, force=True)
    assert (forced["version"], forced["changed"], forced["notes"]) == (3, True, [])
    assert spec(server, stream)["env"]["A"] == "1"


def test_a_changed_file_is_taken_and_live_changes_elsewhere_are_kept(server: Server, stream: str) -> None:
    change(server, stream, env__A="2", env__B="2", waiting__at_most=3)
    again = declare(server, stream, env={"A": "1", "B": "9"}, take={"one_in": 4})
    assert (again["version"], len(again["notes"])) == (3, 2)
    assert again["notes"][1].endswith("holds: env.B")
    found = spec(server, stream)
    assert (found["env"], found["take"], found["waiting"]) == ({"A": "2", "B": "9"}, {"one_in": 4}, {"at_most": 3})
    assert declare(server, stream, env={"A": "1", "B": "9"}, take={"one_in": 4})["changed"] is False


def test_a_file_that_has_what_was_changed_live_makes_it_its_own(server: Server, stream: str) -> None:
    change(server, stream, env__A="2")
    again = declare(server, stream, env={"A": "2", "B": "1"})
    assert (again["version"], again["changed"]) == (2, False)
    assert server.good("GET", f"/api/v1/streams/{stream}")["live"] == 0
    assert declare(server, stream)["version"] == 3, "the file has taken it back"
    assert spec(server, stream)["env"]["A"] == "1"


def test_a_file_that_no_longer_has_the_job_wins(server: Server, stream: str) -> None:
    declare(server, stream, jobs={stream: PAYLOAD, "other": PAYLOAD})
    change(server, stream, jobs__other__one_in=5)
    again = declare(server, stream)
    assert "jobs.other.one_in" in again["notes"][0]
    assert list(spec(server, stream)["jobs"]) == [stream]


# ---- pauses, lists


def test_what_comes_while_it_is_paused_is_counted_and_left_out(server: Server, stream: str) -> None:
    assert server.good("POST", f"/api/v1/streams/{stream}/pause", {"why": "beam off"})["changed"] is True
    assert server.good("POST", f"/api/v1/streams/{stream}/pause", {"why": "beam off"})["changed"] is False
    shown = server.good("GET", f"/api/v1/streams/{stream}")
    assert (shown["paused_why"], bool(shown["paused_by"]), shown["paused_at"] > 1e9) == ("beam off", True, True)
    request = {"url": f"/data/{stream}", "stream": stream}
    left = server.good("POST", "/api/v1/datasets", request)
    assert (left["fate"], left["reason"], left["jobs"]) == ("ignored", "paused", [])
    assert server.good("POST", f"/api/v1/streams/{stream}/resume", {})["changed"] is True
    assert server.good("POST", f"/api/v1/streams/{stream}/resume", {})["changed"] is False
    assert server.good("POST", "/api/v1/datasets", request)["fate"] == "ignored", "a watcher that starts anew"
    assert a_job(server, stream)["state"] == "defined"


def test_a_second_pause_keeps_the_reason_unless_it_has_another(server: Server, stream: str) -> None:
    def pause(**body: str) -> tuple[bool, str]:
        changed = server.good("POST", f"/api/v1/streams/{stream}/pause", body)["changed"]
        return changed, server.good("GET", f"/api/v1/streams/{stream}")["paused_why"]

    assert pause(why="beam off") == (True, "beam off")
    assert pause() == (False, "beam off")
    assert pause(why="access to the hall") == (True, "access to the hall")


def test_streams_are_listed_with_what_waits(server: Server, stream: str) -> None:
    a_job(server, stream)
    change(server, stream, env__A="2")
    found: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = server.good("GET", f"/api/v1/streams?limit=3&cursor={cursor}")
        found, cursor = found + page["streams"], page["next"]
    names = [one["name"] for one in found]
    assert (names, len(set(names))) == (sorted(names), len(names))
    (mine,) = [one for one in found if one["name"] == stream]
    assert (mine["version"], mine["live"], mine["waiting"], mine["jobtypes"]) == (2, 1, {stream: 1}, [stream])


def test_a_stream_declared_by_mistake_is_forgotten_and_one_with_files_is_not(server: Server, stream: str) -> None:
    path = f"/api/v1/streams/{stream}"
    change(server, stream, env__A="2")
    assert server.good("DELETE", f"{path}?dry_run=true")["name"] == stream
    assert server.good("GET", path)["version"] == 2
    server.good("DELETE", f"{path}?why=mistyped")
    assert server.ask("DELETE", path).status == 404
    assert stream not in {one["name"] for one in server.good("GET", "/api/v1/streams?limit=1000")["streams"]}
    declare(server, stream)
    assert spec(server, stream)["env"]["A"] == "1"
    assert server.good("GET", path)["version"] == 1, "it begins anew"
    a_job(server, stream)
    refused = server.ask("DELETE", path)
    assert (refused.status, refused.detail) == (
        409,
        f"stream {stream} has 1 file, 1 job, and stays with them; p3s stream pause {stream} stops it",
    )


def test_it_survives_a_restart(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    declare(server, "raw")
    change(server, "raw", env__A="2")
    server.good("POST", "/api/v1/streams/raw/pause", {"why": "x"})
    server.kill()
    server.start()
    shown = server.good("GET", "/api/v1/streams/raw")
    assert (shown["version"], shown["paused_why"], shown["spec"]["env"]["A"]) == (2, "x", "2")
