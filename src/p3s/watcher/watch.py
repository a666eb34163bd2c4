"""The watcher: what in the storages is complete is told the server, once each.

The storages are the truth: nothing is remembered on disk. The server knows each file by its URL, so that a watcher
that starts again, or tells it twice, changes nothing.
"""

import threading
from collections.abc import Callable, Iterable
from time import monotonic

from p3s.client.sdk import Client
from p3s.protocol.data import DatasetReply
from p3s.protocol.declarations import DeclareRequest

from .inbox import Ready
from .registrar import Registrar
from .storages import Storages, Watch
from .streams import StreamFile


class Watcher:
    """Registers complete files of some streams. `say` gets one line for each thing a person should know.

    `on_told` is called with each file that the server has, and its answer; `steps` is what else is to be done in the
    loop, each called with the moment (monotonic).
    """

    def __init__(
        self, client: Client, files: Iterable[StreamFile], say: Callable[[str], None], silent_s: float = 0.0
    ) -> None:
        self.client, self.say = client, say
        self.files = list(files)
        self.storages = Storages([stream for file in self.files for stream in file.streams], say, silent_s)
        self.registrar = Registrar(client, say, self._told)
        self.storages.on_release.append(self._release)
        self.storages.on_reply.append(self.registrar.replied)
        self.storages.on_trouble.append(self.registrar.drop)
        self.on_told: list[Callable[[Watch, Ready, DatasetReply], None]] = []
        self.steps: list[Callable[[float], None]] = []
        self._began = 0.0

    def declare(self, force: bool = False) -> None:
        """Tell the server the rules; with `force` they replace what people changed live. Raises Refused, or TryLater
        when no server answers."""
        for file in self.files:
            if file.jobtypes or file.dimensions or file.limits:
                reply = self.client.declare_settings(DeclareRequest(file.jobtypes, file.dimensions, file.limits, force))
                for what in reply.changed:
                    self.say(f"{what} set as {file.path} says")
                for line in reply.kept:
                    self.say(f"{line}; {file.path} says otherwise (--force takes what it says)")
        for stream in self.storages.streams:
            declared = self.client.declare(stream.spec, force)
            self.say(f"stream {stream.spec.name} version {declared['version']}: {stream.place}/{stream.pattern.text}")
            for note in declared["notes"]:
                self.say(f"stream {stream.spec.name}: {note}")

    def run(self, stop: threading.Event, until: Callable[[], bool] = lambda: False) -> None:
        """Until `stop` is set, or `until` says so. `wake` of the storages makes it look."""
        self._began = monotonic()
        for watch in self.storages.watches:
            self.storages.scan(watch)
        while not stop.is_set() and not until():
            now = monotonic()
            due_at = min(self.storages.next_at(now), self.registrar.next_at(now))
            self.storages.receive(max(0.0, due_at - now))
            now = monotonic()
            self.storages.attend(now)
            self.registrar.step(now)
            for step in self.steps:
                step(now)

    def once(self) -> bool:
        """Whether what was there at the start is told, as far as it has come to rest."""
        watches = self.storages.watches
        longest_s = max(stream.rules.longest_s for stream in self.storages.streams)
        waiting = any(True for watch in watches for _ in watch.inbox.waiting())
        rested = not waiting or monotonic() > self._began + longest_s + 1.0
        read = all((watch.scans and not watch.scanning) or watch.trouble for watch in watches)
        telling = any(lot.telling for watch in watches for lot in watch.inbox.lots)
        return rested and read and not telling and self.registrar.idle

    def _release(self, watch: Watch) -> None:
        catching_up = monotonic() < watch.catching_up_until
        for ready in watch.inbox.release(start=catching_up, back=catching_up and watch.was_away):
            self.registrar.add(watch, ready, first=not catching_up)

    def _told(self, watch: Watch, ready: Ready, reply: DatasetReply) -> None:
        self.storages.settle(watch, watch.inbox.told(ready))
        for tell in self.on_told:
            tell(watch, ready, reply)
