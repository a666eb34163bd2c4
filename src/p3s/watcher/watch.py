"""The loop: what lies in the watched directories, what of it is complete, and telling the server, once each.

The directory is the truth: nothing is remembered on disk. The server knows each file by its URL, so that a watcher
that starts again, or tells it twice, changes nothing.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from stat import S_ISREG
from time import monotonic, time

from watchfiles import watch as events

from p3s.client.sdk import Client
from p3s.protocol.data import DatasetRequest
from p3s.protocol.errors import BadInput, Refused, TryLater

from .streams import Watched, dataset_of

RESCAN_S = 5.0
"""Directories are read again so often, because NFS and the like do not tell of files written elsewhere."""


@dataclass
class Watcher:
    """Registers complete files of some streams. `say` gets one line for each thing a person should know."""

    client: Client
    streams: list[Watched]
    say: Callable[[str], None]
    registered: set[Path] = field(default_factory=set)
    refused: set[Path] = field(default_factory=set)
    _away: bool = False

    def declare(self) -> None:
        """Tell the server the rules; raises Refused, or TryLater when no server answers."""
        for stream in self.streams:
            if not stream.directory.is_dir():
                raise BadInput(f"{stream.directory} is not a directory here; make it, or correct files in the stream")
            version = self.client.declare_stream(stream.spec)
            self.say(f"stream {stream.spec.name} version {version}: {stream.directory}/{stream.pattern.text}")

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set: look at once, at every change, at what is about to be complete, and every RESCAN_S."""
        changed = threading.Event()
        notices = threading.Thread(target=self._notice, args=(stop, changed), daemon=True)
        notices.start()
        while not stop.is_set():
            changed.clear()
            wait_s = self.look()
            changed.wait(RESCAN_S if wait_s is None else min(wait_s, RESCAN_S))
        notices.join(timeout=5)

    def _notice(self, stop: threading.Event, changed: threading.Event) -> None:
        """Set `changed` when the system tells of a change, and when it is time to stop."""
        directories = {stream.directory for stream in self.streams}
        for _ in events(*directories, stop_event=stop, debounce=50, step=10, raise_interrupt=False):
            changed.set()
        changed.set()

    def look(self) -> float | None:
        """Register what is complete. Returns seconds after which to look again before anything changes, or None."""
        waits = [wait for stream in self.streams for path in self._found(stream) for wait in self._take(stream, path)]
        return min(waits, default=None)

    def _found(self, stream: Watched) -> list[Path]:
        names = sorted(path for path in stream.directory.rglob("*") if not _hidden(path, stream.directory))
        return [path for path in names if path not in self.registered and path not in self.refused]

    def _take(self, stream: Watched, path: Path) -> Iterator[float]:
        """Register a file that matches and is complete; yields how long to wait for one that is not."""
        request = dataset_of(stream, path)
        if request is None:
            return
        try:
            facts = path.stat()
        except OSError:
            return  # it is gone again
        if not S_ISREG(facts.st_mode):
            return
        rest_s = stream.rested_s - (time() - facts.st_mtime)
        if rest_s > 0 or (stream.rested_s and not facts.st_size):
            yield max(rest_s, 0.1)
            return
        yield from self._register(path, replace(request, size=facts.st_size))

    def _register(self, path: Path, request: DatasetRequest) -> Iterator[float]:
        began = monotonic()
        try:
            reply = self.client.register_dataset(request)
        except TryLater as error:
            if not self._away:
                self.say(f"{error}; nothing is lost, the files are looked at again")
            self._away = True
            yield max(0.1, 1.0 - (monotonic() - began))
            return
        except Refused as error:
            self.refused.add(path)
            self.say(f"{path} refused: {error}")
            return
        if self._away:
            self._away = False
            self.say("the server is back")
        self.registered.add(path)
        if reply.new:
            self.say(f"{path.name} registered, {len(reply.jobs)} jobs")


def _hidden(path: Path, directory: Path) -> bool:
    """Names with a leading dot are still being written, by convention."""
    return any(part.startswith(".") for part in path.relative_to(directory).parts)
