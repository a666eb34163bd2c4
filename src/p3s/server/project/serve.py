"""The server process: one database, one broker, one event loop."""

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep, time
from typing import Any

import uvicorn
import uvloop
from a2wsgi import WSGIMiddleware
from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from p3s.server.accounts import queries as accounts
from p3s.server.accounts.grants import Grants
from p3s.server.broker import Broker, NotOurs, Settings, use
from p3s.server.door.app import Door
from p3s.server.door.live import Hub
from p3s.server.pilots import hearing
from p3s.server.services import live
from p3s.server.upkeep import registry
from p3s.server.upkeep import services as upkeep
from p3s.server.upkeep.rounds import rounds
from p3s.server.upkeep.services import Services

from . import lock as locks
from .local_token import local_token
from .upgrade import CannotUpgrade, upgrade

log = logging.getLogger("p3s.server")

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


LEAVING_S = 30.0
"""A stand-by that has taken the database over waits so long for the port: the other server may not have noticed yet
that it lost the database, and ends when it does."""


class CannotStart(Exception):
    """One line that says why, and what to do."""


@dataclass(frozen=True)
class Options:
    """What `p3s server start` was told."""

    host: str = "127.0.0.1"
    port: int = 8373
    standby: bool = False
    public: bool = False
    allowed_hosts: tuple[str, ...] = ()
    owner: str = "operator"
    upgrade_backup: bool = True
    #: `open` or `login`; "" is open on this machine alone.
    reading: str = ""
    settings: Settings = field(default_factory=Settings)
    services: registry.Options = field(default_factory=registry.Options)

    @property
    def reading_is_open(self) -> bool:
        if self.reading:
            return self.reading == "open"
        return self.host in LOOPBACK and not self.allowed_hosts

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def serve(options: Options) -> None:
    """Run until SIGTERM or Ctrl-C. Raises CannotStart."""
    _check_address(options)
    _check_services(options)
    directory: Path = django_settings.SERVER_DIR
    _private(directory)
    lock = _lock(directory, options)
    listener = _listen(options)
    try:
        upgrade(directory, time(), options.upgrade_backup, _say)
    except CannotUpgrade as error:
        raise CannotStart(str(error)) from None
    grants = _grants(directory, options.owner)
    hub = Hub()
    broker = Broker(options.settings, grants, hub.changed, _die, lock)
    try:
        broker.start()
    except NotOurs as error:
        raise CannotStart(str(error)) from None
    use(broker)
    hearing.use(broker.heard)
    services = registry.build(broker, directory, options.services)
    upkeep.use(services)
    live.use(services.states)
    door = Door(broker, services.guard, hub, _behind(options), _hosts(options))
    _announce(directory, options)
    # With the default of 5 ms one busy thread (a page) turns each hand-off to the writer into milliseconds.
    sys.setswitchinterval(5e-4)
    gc.freeze()  # what is there now stays, and need not be looked through while jobs wait
    try:
        uvloop.run(_run(door, services, hub, listener))
    finally:
        (directory / "server.json").unlink(missing_ok=True)


def _private(directory: Path) -> None:
    """The database holds the secret of all tokens: nobody else on this machine may read what lies here."""
    os.umask(0o077)
    directory.mkdir(parents=True, exist_ok=True)
    for path in directory.glob("p3s.sqlite3*"):
        path.chmod(0o600)


def _lock(directory: Path, options: Options) -> locks.Lock:
    """Be the active server."""
    sqlite = not django_settings.DATABASE_URL
    lock: locks.Lock = locks.FileLock(directory) if sqlite else locks.AdvisoryLock()
    try:
        locks.take(lock, options.url, options.standby, _say)
    except locks.Taken as taken:
        raise CannotStart(
            f"this database is in use by {taken}; stop that server, or wait for it with --standby"
        ) from None
    return lock


def _check_address(options: Options) -> None:
    if options.host not in LOOPBACK and not options.public:
        raise CannotStart(
            f"{options.host} can be reached from elsewhere, without TLS; put a TLS proxy before 127.0.0.1, "
            "or say --public if this network is yours"
        )


def _check_services(options: Options) -> None:
    for name in options.services.left_to_cron:
        if name not in registry.LEFT_TO_CRON:
            raise CannotStart(f"--no-service {name}: only {', '.join(registry.LEFT_TO_CRON)} may be left to cron")


def _listen(options: Options) -> socket.socket:
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    patience_s = LEAVING_S if options.standby else 0.0
    while True:
        try:
            listener.bind((options.host, options.port))
            listener.listen(1024)
            return listener
        except OSError as error:
            if patience_s <= 0:
                raise CannotStart(
                    f"cannot listen on {options.host}:{options.port} ({error.strerror}); choose another with --port"
                ) from None
        patience_s -= locks.POLL_S
        sleep(locks.POLL_S)


def _grants(directory: Path, owner: str) -> Grants:
    """Tokens in force."""
    accounts.add(local_token(directory), name="this machine", owner=owner, scopes="admin pilot", now=time())
    django_settings.SECRET_KEY = accounts.secret("sessions").hex()
    return Grants(accounts.secret(), lambda: accounts.valid(time()))


def _behind(options: Options) -> Any:
    """Django in threads: synchronous code, and connections to the database that last. Its addresses are read here, and
    not while the first caller waits."""
    django_settings.OPEN_READING = options.reading_is_open
    # Forms that a browser sends through a TLS proxy come from https.
    django_settings.CSRF_TRUSTED_ORIGINS = [f"https://{name}" for name in options.allowed_hosts]
    _ = get_resolver().url_patterns
    return WSGIMiddleware(get_wsgi_application(), workers=4)  # type: ignore[arg-type]


def _hosts(options: Options) -> frozenset[str]:
    names = {options.host, socket.gethostname(), socket.getfqdn(), *options.allowed_hosts}
    return LOOPBACK | {name.lower() for name in names}


def _announce(directory: Path, options: Options) -> None:
    """Clients on this machine find the server by this file."""
    entry = {"url": options.url, "process": os.getpid()}
    (directory / "server.json").write_text(json.dumps(entry))


async def _run(door: Door, services: Services, hub: Hub, listener: socket.socket) -> None:
    """Serve; on a signal answer every waiter, end the streams, drain the writer, stop."""
    loop = asyncio.get_running_loop()
    hub.attach(loop)
    config = uvicorn.Config(
        door,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=3,
        lifespan="off",
        timeout_keep_alive=120,
    )
    server = _Server(config)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    chores = asyncio.ensure_future(rounds(services.broker, services))
    chores.add_done_callback(_ended)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    _say_ready(listener)
    await asyncio.wait({serving, asyncio.ensure_future(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
    chores.cancel()
    hub.close()
    await loop.run_in_executor(None, services.broker.stop)
    server.leave()
    await serving


class _Server(uvicorn.Server):
    """Leaves signals to us: the waiters must be answered before connections are closed."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._leave = asyncio.Event()

    async def main_loop(self) -> None:
        """Until `leave`: the base class would look ten times a second whether it is time."""
        await self._leave.wait()

    def leave(self) -> None:
        """End: no new connections, then the open ones."""
        self.should_exit = True
        self._leave.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _say_ready(listener: socket.socket) -> None:
    host, port = listener.getsockname()[:2]
    _say(f"p3s server ready on http://{host}:{port}")


def _say(text: str) -> None:
    print(text, flush=True)


def _ended(chores: "asyncio.Future[None]") -> None:
    """Without its rounds nobody would be given up, and no alarm would rise."""
    error = None if chores.cancelled() else chores.exception()
    if error is not None:
        _die(error, "upkeep")


def _die(error: BaseException, what: str = "the writer") -> None:
    """Without its writer a server must not go on: end at once, a stand-by or supervisor takes over."""
    print(f"p3s server: {what} died: {error}", file=sys.stderr, flush=True)
    os._exit(70)
