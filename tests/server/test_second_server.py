"""One active server a database: the second says who has it, a stand-by takes over."""

import fcntl
import http.client
import socket
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

Server = Any
Until = Callable[..., Any]


def start_another(server: Server, *more: str, port: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        server.command(*more, port=port),
        env=server.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_second_server_says_who_has_the_database_and_ends(own_server: Callable[..., Server], free_port: int) -> None:
    server = own_server().start()
    second = start_another(server, port=free_port)
    assert second.returncode == 1
    assert server.process is not None
    (line,) = second.stderr.strip().splitlines()
    assert f"process {server.process.pid} on " in line
    assert f"http://127.0.0.1:{server.port}" in line
    assert "--standby" in line
    assert server.ask("GET", "/healthz").status == 200


def test_a_stand_by_takes_over_when_the_active_server_is_killed(
    own_server: Callable[..., Server], until: Until
) -> None:
    active = own_server().start()
    pilot = active.pilot()
    (job,) = active.submit()
    first = pilot.orders()
    standby = own_server(database=active.database)
    standby.directory, standby.port = active.directory, active.port
    standby.launch("--standby")
    until("the stand-by stands by", lambda: "standing by: the active server is process" in standby.said())
    active.kill()
    standby.wait_ready()
    assert pilot.orders(acked=0) == first
    assert pilot.report(job, 1, "finished", exit_code=0)["verdict"] == "applied"
    assert standby.state(job) == "finished"


def test_a_port_in_use_is_said_in_one_line(own_server: Callable[..., Server]) -> None:
    server = own_server()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        failed = start_another(server, port=port)
    assert failed.returncode == 1
    (line,) = failed.stderr.strip().splitlines()
    assert line == (
        f"p3s server cannot start: cannot listen on 127.0.0.1:{port} (Address already in use); "
        "choose another with --port"
    )


@pytest.mark.parametrize("url", ["mysql://x/y", "postgresql://", "nonsense", "postgresql://nobody@127.0.0.1:1/none"])
def test_a_database_that_is_none_is_said_in_one_line(own_server: Callable[..., Server], url: str) -> None:
    server = own_server(database=url)
    failed = start_another(server, port=server.port)
    assert failed.returncode == 1
    assert len(failed.stderr.strip().splitlines()) == 1
    assert failed.stderr.startswith("p3s server cannot start: ")


def test_a_public_address_needs_a_word(own_server: Callable[..., Server], free_port: int) -> None:
    failed = start_another(own_server(), "--host", "0.0.0.0", port=free_port)
    assert (failed.returncode, "without TLS" in failed.stderr) == (1, True)


def test_two_servers_on_two_databases_of_one_machine_do_not_meet(
    own_server: Callable[..., Server], free_port: int
) -> None:
    first, second = own_server().start(), own_server().start()
    assert first.ask("GET", "/healthz").status == second.ask("GET", "/healthz").status == 200
    for server in (first, second):
        third = start_another(server, port=free_port)
        assert server.process is not None
        assert f"process {server.process.pid} on " in third.stderr, "it names the holder of this database"


def test_the_lock_is_held_as_long_as_the_server_works(own_server: Callable[..., Server], until: Until) -> None:
    """Work of a while, after which the server is as ready as before, and still the only one."""
    server = own_server(lease_s=2.0, grace_s=1.0).start()
    pilot = server.pilot()
    for _ in range(3):
        (job,) = server.submit()
        order = until("the job is ordered", lambda: pilot.orders(0.5))[0]
        assert order["job"] == job
        assert pilot.report(job, 1, "finished", exit_code=0)["verdict"] == "applied"
    until("its upkeep has gone round", lambda: not pilot.orders(0.9))
    assert server.ask("GET", "/healthz").status == 200
    assert "Traceback" not in server.said()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whoever_removes_the_lock_file_lets_no_second_server_in(
    own_server: Callable[..., Server], free_port: int, until: Until
) -> None:
    server = own_server().start()
    lock = server.directory / "p3s.lock"
    lock.unlink()
    until("the server has it again", lambda: lock.exists() and str(server.process.pid) in lock.read_text())
    second = start_another(server, port=free_port)
    assert f"this database is in use by process {server.process.pid} on " in second.stderr
    assert server.ask("POST", "/api/v1/jobs", {"jobs": [{"payload": "true"}], "key": "still"}).status == 200


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_server_whose_lock_file_another_has_taken_ends(own_server: Callable[..., Server], until: Until) -> None:
    server = own_server().start()
    other = server.directory / "other"
    with other.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        other.rename(server.directory / "p3s.lock")
        until("the server has ended", lambda: server.process.poll() is not None)
    assert server.process.returncode == 70
    assert "its lock file was removed, and the database was taken over by another process" in server.said()


def test_after_a_clean_stop_the_next_server_starts(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    token = server.token
    assert server.stop() == 0
    assert not (server.directory / "server.json").exists()
    server.start()
    assert server.token == token
    assert server.good("GET", "/api/v1/whoami")["scopes"] == ["admin", "pilot"]


def test_an_idle_kept_connection_does_not_hold_up_the_stop(own_server: Callable[..., Server]) -> None:
    server = own_server().start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    assert server.stop(within_s=15) == 0
    connection.close()


def test_the_local_token_is_readable_by_its_owner_alone(server: Server) -> None:
    assert (server.directory / "token").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_server_whose_database_was_away_has_it_again_when_it_is_back(
    own_server: Callable[..., Server], own_postgres: Any, free_port: int, until: Until
) -> None:
    """It went on without the lock: a second server, or its stand-by, took the database too."""
    server = own_server(database=own_postgres.database()).start()
    own_postgres.kill()
    until("the server notices", lambda: "the database does not answer" in server.said())
    own_postgres.start()
    one_job = {"jobs": [{"payload": "true"}], "key": "again"}
    until("the server writes again", lambda: server.ask("POST", "/api/v1/jobs", one_job).status == 200)
    second = start_another(server, port=free_port)
    assert server.process is not None
    assert f"this database is in use by process {server.process.pid} on " in second.stderr
    assert second.returncode == 1
