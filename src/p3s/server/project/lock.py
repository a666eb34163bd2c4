"""One active server per database: a file lock for SQLite, an advisory lock for PostgreSQL."""

import fcntl
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from time import sleep
from typing import Any, Protocol

from django.db import DatabaseError, connections

from p3s.server.broker import NotOurs

POLL_S = 0.5
_PG_KEY = 0x703373  # "p3s"


class Taken(Exception):
    """Another server is active; the message names it."""


class Lock(Protocol):
    def take(self, url: str) -> None:
        """Become the active server; raises Taken."""

    def check(self) -> None:
        """Raise NotOurs when another server has it; take it again when only the connection was lost."""


class FileLock:
    """On `p3s.lock` in the server's directory; the system releases it with the process."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "p3s.lock"
        self._file: Any = None

    def take(self, url: str) -> None:
        file = self.path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Taken(_named(file.read())) from None
        file.truncate(0)
        file.write(json.dumps({"process": os.getpid(), "host": socket.gethostname(), "url": url}))
        file.flush()
        self._file = file

    def check(self) -> None:
        """A file lock lasts as long as the process."""


def _named(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"process {holder['process']} on {holder['host']}, {holder['url']}"
    except (ValueError, KeyError):
        return "another process (it has not said which yet)"


class AdvisoryLock:
    """On a connection of its own, whose application name says who holds it."""

    def __init__(self) -> None:
        self._connection: Any = None
        self._url = ""

    def take(self, url: str) -> None:
        self._url = url
        connection = connections.create_connection("default")
        connection.inc_thread_sharing()  # taken here, looked after by the writer's thread
        connection.settings_dict["CONN_MAX_AGE"] = None
        with connection.cursor() as cursor:
            name = f"p3s {os.getpid()} {socket.gethostname()[:20]} {url}"[:63]
            cursor.execute("SELECT set_config('application_name', %s, false)", [name])
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [_PG_KEY])
            if not cursor.fetchone()[0]:
                cursor.execute(_HOLDER, [_PG_KEY])
                row = cursor.fetchone()
                connection.close()
                raise Taken(_holder(row[0]) if row else "another process")
        self._connection = connection

    def check(self) -> None:
        """Take it again when the connection was lost (a restarted database)."""
        if self._held():
            return
        self._connection.close()
        try:
            self.take(self._url)
        except Taken as taken:
            raise NotOurs(f"the database was taken over by {taken}") from None

    def _held(self) -> bool:
        """The database is asked for the lock itself: a connection that was lost opens anew by itself, without it."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(_HELD, [_PG_KEY])
                return cursor.fetchone() is not None
        except DatabaseError:
            return False


_HELD = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted AND pid = pg_backend_pid()"

_HOLDER = """
SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND objid = %s AND granted
  AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def _holder(name: str) -> str:
    words = name.split()
    return f"process {words[1]} on {words[2]}, {words[3]}" if len(words) == 4 else name


def take(lock: Lock, url: str, standby: bool, say: Callable[[str], None]) -> None:
    """Become the active server: at once or, as a stand-by, when the active one is gone. Raises Taken.

    A stand-by outlives an outage of the database; one that was never reached is a mistake, and raised.
    """
    said = ""
    while True:
        try:
            lock.take(url)
            if said:
                say("the active server is gone: taken over the database")
            return
        except Taken as taken:
            if not standby:
                raise
            news = f"standing by: the active server is {taken}"
        except DatabaseError as error:
            if not said:
                raise
            news = f"standing by: the database does not answer ({str(error).strip().splitlines()[0]})"
        if news != said:
            say(news)
            said = news
        sleep(POLL_S)
