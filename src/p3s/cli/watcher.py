"""`p3s watcher ...`: files that arrive."""

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from p3s.client.sdk import Client
from p3s.protocol.errors import TryLater

from . import show
from .parts import place

if TYPE_CHECKING:
    from p3s.watcher.watch import Watcher

app = typer.Typer(no_args_is_help=True, help="Watch directories for data.")

Files = Annotated[list[Path], typer.Argument(help="Stream files, YAML.")]

START_HELP = """Watch the directories of stream files and register what is complete; Ctrl-C ends it.

A file, at its shortest:

  streams:
    evdisp: {files: "/data/raw/run{run:d}_{subrun:d}.root", payload: ./evdisp.sh}

Example: p3s watcher start streams.yaml
"""


@app.command("start", help=START_HELP)
def start_watcher(
    files: Files,
    once: Annotated[bool, typer.Option("--once", help="Register what is there, and end.")] = False,
) -> None:
    from p3s.watcher.streams import read
    from p3s.watcher.watch import Watcher

    found, server = [read(file) for file in files], place()
    agent = Watcher(Client(server.server, server.token), found, _say)
    stop = _stopped_by_signals(agent)
    try:
        agent.open()
        _declare(agent, stop)
        agent.run(stop, agent.once if once else lambda: False)
    finally:
        agent.close()


def _say(text: str) -> None:
    print(show.plain(text), flush=True)


def _stopped_by_signals(agent: "Watcher") -> threading.Event:
    stop = threading.Event()

    def end(*_: object) -> None:
        stop.set()
        agent.wake()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return stop


def _declare(agent: "Watcher", stop: threading.Event) -> None:
    """Wait for a server that is not there yet; what it refuses is the person's to correct."""
    said = False
    while not stop.is_set():
        try:
            agent.declare()
            return
        except TryLater as error:
            if not said:
                print(f"{error}; waiting for it", file=sys.stdout, flush=True)
                said = True
            stop.wait(1.0)


@app.callback()
def watcher_group() -> None:
    """Data arrival."""
