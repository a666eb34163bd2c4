"""`p3s top`: what is going on, in the terminal, as it happens."""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from p3s.client.live import changes
from p3s.client.place import find
from p3s.client.sdk import Client
from p3s.protocol.errors import P3sError

from . import show
from .frame import Look, Rates, frame
from .options import Json

AT_LEAST_S = 1.0
"""Between two looks, however much happens."""

AT_MOST_S = 5.0
"""Between two looks when nothing is said to have changed."""

JOBS = 100
LEAVE = ("q", "Q", "\x03", "\x04")


def top(
    once: Annotated[bool, typer.Option("--once", help="Print what is there, once, and end.")] = False,
    json: Json = False,
) -> None:
    """What is going on, as it happens: pilots, jobs, rates, alarms; q or Ctrl-C leaves. With --json: once.

    Examples: p3s top | p3s top --once | p3s top --json
    """
    rates = Rates()
    first = _look(Client(), rates)
    if json:
        show.as_json({name: value for name, value in asdict(first).items() if name not in ("follows", "rates")})
    elif once or not sys.stdout.isatty():
        show.console().print(frame(replace(first, follows=False), time.time(), width=show.console().width))
    else:
        _show(Looker(first, rates), show.console())


def _look(client: Client, rates: Rates) -> Look:
    at, summary = time.time(), client.summary()
    found = rates.add(summary["now"], summary["jobs"])
    return Look(client.server, at, summary, client.job_types(), client.jobs(JOBS), client.alarms(), found)


class Looker:
    """Looks at the server in threads of its own, so that a server that hangs never holds up the keyboard."""

    def __init__(self, first: Look, rates: Rates) -> None:
        self.look = first
        self.rates = rates
        self.trouble = ""
        self._changed = threading.Event()
        self._ended = threading.Event()

    def start(self) -> None:
        """Begin; the threads end with the process, or soon after `end`."""
        for part in (self._keep_looking, self._keep_listening):
            threading.Thread(target=part, daemon=True).start()

    def end(self) -> None:
        """No more looks."""
        self._ended.set()
        self._changed.set()

    def _keep_looking(self) -> None:
        client = None
        while not self._ended.wait(AT_LEAST_S):
            self._changed.wait(0 if self.trouble else AT_MOST_S - AT_LEAST_S)
            self._changed.clear()
            try:
                client = client or Client(patience_s=0)  # found anew after trouble: it may be back elsewhere
                self.look, self.trouble = _look(client, self.rates), ""
            except P3sError as error:
                client, self.trouble = None, str(error)

    def _keep_listening(self) -> None:
        while not self._ended.wait(AT_LEAST_S):
            try:
                place = find()
                for _ in changes(place.server, place.token):
                    self._changed.set()
                    if self._ended.is_set():
                        return
            except (P3sError, ValueError):
                self._changed.set()


def _show(looker: Looker, console: Console) -> None:
    looker.start()
    before: Any = None
    try:
        with _keyboard() as pressed, Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                now, size = time.time(), console.size
                state = (looker.look, looker.trouble, int(now), size)
                if state != before:
                    picture = frame(looker.look, now, looker.trouble, size.width, size.height)
                    live.update(picture, refresh=True)
                    before = state
                if pressed(0.2) in LEAVE:
                    return
    finally:
        looker.end()


@contextmanager
def _keyboard() -> Iterator[Callable[[float], str]]:
    """A function that waits up to so many seconds for a key. The terminal is as it was at the end, also when the
    process is told to end."""
    import termios
    import tty

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # a stopped picture would keep the terminal
    if not sys.stdin.isatty():
        yield _no_key
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def pressed(within_s: float) -> str:
        ready, _, _ = select.select([descriptor], [], [], within_s)
        return (os.read(descriptor, 100)[:1].decode("latin-1") or "q") if ready else ""

    try:
        tty.setcbreak(descriptor)
        yield pressed
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _no_key(within_s: float) -> str:
    time.sleep(within_s)
    return ""


def _interrupt(number: int, frame: Any) -> None:  # noqa: ARG001
    raise KeyboardInterrupt
