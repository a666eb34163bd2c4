"""One active server per database: a file lock for SQLite, an advisory lock for PostgreSQL."""

import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Protocol

from django.db import DEFAULT_DB_ALIAS, DatabaseError, Error, OperationalError, connections
from django.db.backends.signals import connection_created

from p3s.server.broker import Hold, NotOurs

POLL_S = 0.5
_KEY = 0x703373  # "p3s"

ENDING_S = 5.0
"""A lost connection of ours has ended in the database within so long; looked at every `ENDING_POLL_S`."""

ENDING_POLL_S = 0.02

_Holder = tuple[int, str]
"""The process that serves a connection in the database, and the connection's application name."""

_JUST_GONE: _Holder = (0, "another process")


class Taken(Exception):
    """Another server is active; the message names it."""


class Lock(Hold, Protocol):
    def take(self, url: str) -> None:
        """Become the active server; raises Taken."""


class FileLock:
    """On `p3s.lock` in the server's directory; the system releases it with the process, and not before."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "p3s.lock"
        self._url = ""
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
        self._url, self._file = url, file

    def check(self) -> None:
        """A lock on a file that was removed keeps nobody away: who tidies up has not stopped this server."""
        try:
            there = self.path.stat().st_ino
        except FileNotFoundError:
            there = 0
        if there == os.fstat(self._file.fileno()).st_ino:
            return
        try:
            self.take(self._url)
        except Taken as taken:
            raise NotOurs(f"its lock file was removed, and the database was taken over by {taken}") from None

    def regain(self) -> None:
        self.check()


def _named(text: str) -> str:
    try:
        holder = json.loads(text)
        return f"process {holder['process']} on {holder['host']}, {holder['url']}"
    except (ValueError, KeyError):
        return "another process (it has not said which yet)"


class AdvisoryLock:
    """Held by the very connection that writes: when another server has it, that connection has ended, and with it every
    write that was under way (docs/decisions/0020). Its application name says who holds it.

    Of the thread that takes it first; whoever goes on with its connection looks after the lock too.
    """

    def __init__(self) -> None:
        self._connection = connections[DEFAULT_DB_ALIAS]
        self._may_open = False
        self._name = ""
        self._backend = 0
        connection_created.connect(self._opened, weak=False)

    def take(self, url: str) -> None:
        self._name = f"p3s {os.getpid()} {socket.gethostname()[:20]} {url}"[:63]
        with self._opening():
            holder = self._try()
            if holder:
                raise Taken(_described(holder))

    def check(self) -> None:
        """The database is asked for the lock itself."""
        with self._connection.cursor() as cursor:
            cursor.execute(_HELD, [_KEY])
            if cursor.fetchone() is None:
                raise OperationalError(_LOST)

    def regain(self) -> None:
        try:
            self.check()
        except Error:
            self._connection.close()
            with self._opening():
                self._take_again()

    @contextmanager
    def _opening(self) -> Iterator[None]:
        """Whoever leaves this with the connection open has the lock."""
        self._may_open = True
        try:
            yield
        except BaseException:
            self._connection.close()
            raise
        finally:
            self._may_open = False

    def _opened(self, sender: Any, connection: Any, **_: Any) -> None:  # noqa: ARG002 - as Django calls it
        """A connection that opens anew by itself, in the middle of a batch, has no lock; and what the batch decides may
        be from before another server's work."""
        if connection is self._connection and not self._may_open:
            connection.close()
            raise OperationalError(_LOST)

    def _try(self) -> _Holder | None:
        """Who has it; None when it is ours now."""
        with self._connection.cursor() as cursor:
            cursor.execute(_TRY, [self._name, _KEY])
            *_, backend, taken = cursor.fetchone()
            if taken:
                self._backend = backend
                return None
            cursor.execute(_HOLDER, [_KEY])
            return cursor.fetchone() or _JUST_GONE

    def _take_again(self) -> None:
        """When the network lost the connection the database may hold to it for hours, and the lock with it."""
        until = monotonic() + ENDING_S
        while holder := self._try():
            if holder == (self._backend, self._name):
                with self._connection.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(%s)", [self._backend])
            elif holder != _JUST_GONE:
                raise NotOurs(f"the database was taken over by {_described(holder)}")
            if monotonic() > until:
                raise OperationalError(f"{_LOST}, and has not ended yet in the database")
            sleep(ENDING_POLL_S)


_LOST = "the connection that holds the server's lock is lost"

_TRY = """
SELECT set_config('application_name', %s, false),
  set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
  set_config('tcp_keepalives_count', '3', false), pg_backend_pid(), pg_try_advisory_lock(%s)
"""
"""The machine of a server may be gone without a word: the database asks whether it is there, and a stand-by has the
lock within half a minute."""

_HELD = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted AND pid = pg_backend_pid()"

_HOLDER = """
SELECT pid, application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND objid = %s AND granted
  AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def _described(holder: _Holder) -> str:
    words = holder[1].split()
    return f"process {words[1]} on {words[2]}, {words[3]}" if len(words) == 4 else holder[1]


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
