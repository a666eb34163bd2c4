"""The connection with a server's lock is lost: whoever writes after that, it is one server."""

import contextlib
import http.client
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Server = Any
Until = Callable[..., Any]

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

LOCK = 0x703373
ONE_JOB = {"jobs": [{"payload": "true"}], "key": "one"}
ANOTHER = {"jobs": [{"payload": "true"}], "key": "another"}

HOLDER = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted AND database = %s"


class Database:
    """What a database administrator sees of one database."""

    def __init__(self, url: str) -> None:
        import psycopg

        self.connection = psycopg.connect(url, autocommit=True)
        (self.oid,) = self.row("SELECT oid FROM pg_database WHERE datname = current_database()")

    def row(self, sql: str, *values: Any) -> Any:
        return self.connection.execute(sql, values).fetchone()

    def holder(self) -> int:
        """The process of the database that serves the connection with the lock; 0 for none."""
        found = self.row(HOLDER, LOCK, self.oid)
        return int(found[0]) if found else 0

    def cut(self) -> None:
        assert self.row("SELECT pg_terminate_backend(%s, 5000)", self.holder()) == (True,)

    def waits(self, table: str) -> bool:
        """Whether somebody waits for a table."""
        found = self.row("SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND NOT granted", table)
        return bool(found[0])

    def jobs(self) -> set[str]:
        return {str(uuid) for (uuid,) in self.connection.execute("SELECT uuid FROM jobs_job").fetchall()}

    @contextlib.contextmanager
    def closed_to_writers(self, table: str) -> Iterator[None]:
        self.connection.execute("BEGIN")
        self.connection.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")


@pytest.fixture
def own_database(database: Callable[..., str]) -> Iterator[tuple[str, Database]]:
    url = database()
    found = Database(url)
    yield url, found
    found.connection.close()


def ask_in_vain(server: Server) -> None:
    with contextlib.suppress(http.client.RemoteDisconnected, ConnectionResetError):
        server.ask("POST", "/api/v1/jobs", ONE_JOB)


def test_a_write_under_way_when_the_lock_is_lost_does_not_land_beside_the_stand_by(
    own_server: Callable[..., Server], own_database: tuple[str, Database], until: Until
) -> None:
    """It waits in the database for its table, decided and sent, when the connection with the lock is cut."""
    url, admin = own_database
    active = own_server(database=url).start()
    standby = own_server(database=url).launch("--standby")
    until("the stand-by stands by", lambda: "standing by: the active server is process" in standby.said())
    before = admin.jobs()
    with admin.closed_to_writers("jobs_job"):
        caller = threading.Thread(target=ask_in_vain, args=(active,), daemon=True)
        caller.start()
        until("the write is under way", lambda: admin.waits("jobs_job"))
        os.kill(active.process.pid, signal.SIGSTOP)
        admin.cut()
        standby.wait_ready()
        standby.good("PUT", "/api/v1/jobtypes/first", {"name": "first"})
    until("nobody waits for the table", lambda: not admin.waits("jobs_job"))
    os.kill(active.process.pid, signal.SIGCONT)
    until("the first has ended", lambda: active.process.poll() is not None)
    assert active.process.returncode == 70
    assert "the database was taken over by process" in active.said()
    caller.join(20)
    assert admin.jobs() == before, "what the first had under way landed after the stand-by's first write"
    (job,) = standby.good("POST", "/api/v1/jobs", ONE_JOB)["jobs"]
    assert admin.jobs() == before | {job}


def test_a_server_whose_connection_was_cut_has_the_lock_again_and_forgets_nothing(
    own_server: Callable[..., Server], own_database: tuple[str, Database], until: Until
) -> None:
    url, admin = own_database
    server = own_server(database=url).start()
    pilot = server.pilot()
    (job,) = server.submit()
    before = admin.holder()
    admin.cut()
    assert [order["job"] for order in until("the job is ordered", lambda: pilot.orders(0.5))] == [job]
    until("the server has the lock again", lambda: admin.holder() not in (0, before))
    assert pilot.report(job, 1, "finished", exit_code=0)["verdict"] == "applied"
    assert server.state(job) == "finished"
    assert "Traceback" not in server.said()


def test_an_idle_server_finds_that_another_has_the_lock(
    own_server: Callable[..., Server], own_database: tuple[str, Database], until: Until
) -> None:
    url, admin = own_database
    server = own_server(database=url).start()
    other = Database(url)
    waiting = threading.Thread(target=lambda: other.row("SELECT pg_advisory_lock(%s)", LOCK), daemon=True)
    waiting.start()
    queued = "SELECT 1 FROM pg_locks WHERE NOT granted AND objid = %s"
    until("another waits for the lock", lambda: admin.row(queued, LOCK))
    admin.cut()
    until("the server has ended", lambda: server.process.poll() is not None)
    assert server.process.returncode == 70
    assert "the database was taken over by" in server.said()
    assert "Traceback" not in server.said()
    other.connection.close()


def test_a_request_that_the_database_refuses_does_not_cost_the_lock(
    own_server: Callable[..., Server], own_database: tuple[str, Database]
) -> None:
    """A stand-by would have had it in between."""
    url, admin = own_database
    server = own_server(database=url).start()
    before = admin.holder()
    admin.connection.execute("ALTER TABLE jobs_job RENAME TO jobs_away")
    assert server.ask("POST", "/api/v1/jobs", ONE_JOB).status == 503
    admin.connection.execute("ALTER TABLE jobs_away RENAME TO jobs_job")
    assert server.ask("POST", "/api/v1/jobs", ANOTHER).status == 200
    assert admin.holder() == before != 0


class Network:
    """Between a server and its database, by their Unix sockets."""

    def __init__(self, url: str, place: Path) -> None:
        start, _, host = url.partition("?host=")
        self.url = f"{start}?host={place}"
        self._real = next(Path(host).glob(".s.PGSQL.*[0-9]"))
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(place / self._real.name))
        self._listener.listen()
        self._ends: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(self._real))
            self._ends.append((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    @staticmethod
    def _carry(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                other.sendall(data)
        except OSError:
            return

    def lose(self) -> None:
        """The server is told that all connections are lost, the database is not."""
        ends, self._ends = self._ends, []
        self.lost = ends
        for near, _ in ends:
            near.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        for near, far in [*self._ends, *self.lost]:
            near.close()
            far.close()


def test_a_connection_that_the_database_still_believes_in_does_not_keep_the_lock_from_its_server(
    own_server: Callable[..., Server], own_database: tuple[str, Database], until: Until, tmp_path: Path
) -> None:
    url, admin = own_database
    network = Network(url, tmp_path)
    server = own_server(database=network.url).start()
    before = admin.holder()
    network.lose()
    until("the server writes again", lambda: server.ask("POST", "/api/v1/jobs", ONE_JOB).status == 200)
    assert admin.holder() not in (0, before)
    assert server.stop() == 0
    network.close()


def keepalive_s(near: int, far: int) -> float | None:
    """In how many seconds the end at port `near` of a connection asks whether the one at `far` is there; None while
    something is on its way."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        local, remote, timer = (line.split()[place] for place in (1, 2, 5))
        if [int(address.partition(":")[2], 16) for address in (local, remote)] == [near, far]:
            kind, _, ticks = timer.partition(":")
            return int(ticks, 16) / os.sysconf("SC_CLK_TCK") if kind == "02" else None
    raise AssertionError(f"there is no connection from {near} to {far}")


def test_a_server_whose_machine_is_gone_loses_the_lock_in_half_a_minute_not_in_hours(
    own_server: Callable[..., Server], own_postgres: Any, until: Until
) -> None:
    """And it notices as soon that the database's machine is gone: both ends ask whether the other is there."""
    name = own_postgres.database().partition("@/")[2].partition("?")[0]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    own_postgres.kill()
    own_postgres.start_on(port)
    url = f"postgresql://postgres@127.0.0.1:{port}/{name}"
    server, admin = own_server(database=url).start(), Database(url)
    (client_port,) = admin.row("SELECT client_port FROM pg_stat_activity WHERE pid = %s", admin.holder())
    assert until("the database's end waits", lambda: keepalive_s(port, client_port)) <= 10.0
    assert until("the server's end waits", lambda: keepalive_s(client_port, port)) <= 10.0
    admin.connection.close()
    assert server.stop() == 0
