"""The process of one storage: it alone touches the files, so that a mount that hangs stops nothing but this.

`python -m p3s.watcher.reader ROOT DEPTH [HOST]` takes orders as lines of JSON on its stdin and tells what it finds on
its stdout; it ends with its stdin. Two lanes work side by side: `look` reads directories, `file` reads, moves and
deletes single files. While a lane gets on it says something every second: a lane that is silent hangs.

What is settled it keeps by name, and tells of it no more until it is gone.
"""

import errno
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import orjson

from .local import Entry, Local
from .xrootd import XRootD

Source = Local | XRootD

BATCH = 1_000
STILL_S = 1.0
MOST_SIDECAR = 1_000_000

LOOK, FILE = "look", "file"

WRONG = (FileNotFoundError, NotADirectoryError, PermissionError)


def is_wrong(error: Exception) -> bool:
    """Whether a person must correct something, rather than wait."""
    return isinstance(error, WRONG) or getattr(error, "errno", None) == errno.ENOPKG


class _Batch:
    """Files that are told together, with when the first of them was looked at and when the last (monotonic)."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]) -> None:
        self.tell, self.began = tell, time.monotonic()
        self.files: list[Entry] = []

    def add(self, entry: Entry) -> None:
        self.files.append(entry)
        if len(self.files) >= BATCH:
            self.send()

    def send(self) -> None:
        now = time.monotonic()
        if self.files:
            self.tell({"re": "found", "lane": LOOK, "files": self.files, "from": self.began, "to": now})
        self.files, self.began = [], now


class Reader:
    """`tell` sends a message; it is called from several threads."""

    def __init__(self, source: Source, tell: Callable[[dict[str, Any]], None]) -> None:
        self.source, self.tell = source, tell
        self.settled: dict[str, int] = {}
        """Names, and the number of the scan that saw them last."""
        self.scans = 0
        self.lanes: dict[str, queue.SimpleQueue[dict[str, Any]]] = {lane: queue.SimpleQueue() for lane in (LOOK, FILE)}
        self._said_at = dict.fromkeys(self.lanes, 0.0)
        self.orders: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "open": self._open,
            "scan": self._scan,
            "look": self._look,
            "settle": self._settle,
            "unsettle": self._unsettle,
            "read": self._read,
            "adler32": self._adler32,
            "move": self._move,
            "delete": self._delete,
            "there": self._there,
        }

    def start(self) -> None:
        """Let the lanes work."""
        for lane in self.lanes:
            threading.Thread(target=self._work, args=(lane,), daemon=True).start()

    def take(self, order: dict[str, Any]) -> None:
        """An order came."""
        lane = FILE if order["do"] in ("read", "adler32", "move", "delete", "there") else LOOK
        self.lanes[lane].put(order)

    def _work(self, lane: str) -> None:
        while True:
            self.do(lane, self.lanes[lane].get())

    def do(self, lane: str, order: dict[str, Any]) -> None:
        """Do what is ordered, and tell what came of it."""
        began = time.monotonic()
        try:
            reply = self.orders[order["do"]](order)
        except (OSError, ValueError) as error:
            reply = {"error": getattr(error, "strerror", None) or str(error), "wrong": is_wrong(error)}
        self.tell({"re": order["do"], "id": order.get("id"), "lane": lane, "took_s": time.monotonic() - began, **reply})

    def _still(self, lane: str) -> None:
        now = time.monotonic()
        if now - self._said_at[lane] >= STILL_S:
            self._said_at[lane] = now
            self.tell({"re": "still", "lane": lane})

    # ---- the lane that looks

    def _open(self, _: dict[str, Any]) -> dict[str, Any]:
        identity = self.source.identity()
        threading.Thread(target=self._watch, daemon=True).start()
        return {"identity": identity}

    def _watch(self) -> None:
        try:
            self.source.changes(
                lambda names: self.take({"do": "look", "names": names}), lambda: self.tell({"re": "watching"})
            )
        except (OSError, RuntimeError) as error:  # watchfiles raises RuntimeError for what inotify refuses
            self.tell({"re": "unwatched", "why": getattr(error, "strerror", None) or str(error)})

    def _scan(self, _: dict[str, Any]) -> dict[str, Any]:
        """All there is; then what is gone of the settled, and what could not be read."""
        identity = self.source.identity()
        self.scans += 1
        number, settled, seen, files = self.scans, self.settled, 0, 0
        batch = _Batch(self.tell)

        def known(name: str) -> bool:
            if name not in settled:
                return False
            settled[name] = number
            return True

        for entry in self.source.walk(known):
            files += 1
            if entry is None:
                seen += 1
            else:
                batch.add(entry)
            if files % 256 == 0:
                self._still(LOOK)
        batch.send()
        gone = [] if seen == len(settled) else [name for name, scan in settled.items() if scan != number]
        for name in [] if self.source.troubles else gone:
            del settled[name]
        troubles = self.source.troubles
        gone = [] if troubles else gone  # what may not be read now is not gone
        return {"identity": identity, "count": files, "gone": gone, "troubles": troubles[:20], "odd": self.source.odd}

    def _look(self, order: dict[str, Any]) -> dict[str, Any]:
        """These names: those that are there and not settled, and those that are not there."""
        batch, gone = _Batch(self.tell), []
        for name, entry in self.source.looks(order["names"]):
            self._still(LOOK)
            if entry is None:
                gone.append(name)
                self.settled.pop(name, None)
            elif name not in self.settled:
                batch.add(entry)
        batch.send()
        return {"gone": gone}

    def _settle(self, order: dict[str, Any]) -> dict[str, Any]:
        for name in order["names"]:
            self.settled[name] = self.scans
        return {}

    def _unsettle(self, order: dict[str, Any]) -> dict[str, Any]:
        for name in order["names"]:
            self.settled.pop(name, None)
        return {}

    # ---- the lane of single files

    def _read(self, order: dict[str, Any]) -> dict[str, Any]:
        content = self.source.read(order["name"], MOST_SIDECAR + 1)
        if len(content) > MOST_SIDECAR:
            raise ValueError(f"it is larger than {MOST_SIDECAR:,} bytes")
        return {"text": content.decode()}

    def _adler32(self, order: dict[str, Any]) -> dict[str, Any]:
        return {"adler32": self.source.adler32(order["name"], lambda: self._still(FILE))}

    def _move(self, order: dict[str, Any]) -> dict[str, Any]:
        self._must_be_as_seen(order)
        self.source.move(order["name"], order["to"])
        return {}

    def _delete(self, order: dict[str, Any]) -> dict[str, Any]:
        self._must_be_as_seen(order)
        self.source.delete(order["name"])
        return {}

    def _must_be_as_seen(self, order: dict[str, Any]) -> None:
        """What was written to it meanwhile was not processed, and must stay."""
        entry = self.source.look(order["name"])
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, "it is not there")
        if list(entry[1:3]) != order["seen"]:
            raise OSError(errno.EBUSY, "it has changed since it was registered")

    def _there(self, order: dict[str, Any]) -> dict[str, Any]:
        """Which files are not where they were, and which of these are below another directory `to`. What is settled was
        there at the last scan."""
        gone = [
            name for name in order["names"] if name not in self.settled and not self._is_there(name, self.source.root)
        ]
        return {"gone": gone, "moved": [name for name in gone if order["to"] and self._is_there(name, order["to"])]}

    def _is_there(self, name: str, directory: str) -> bool:
        self._still(FILE)
        return self.source.there(name, directory)


def main(words: list[str]) -> None:
    """Serve until stdin ends."""
    root, depth, host = words[0], int(words[1]), words[2] if len(words) > 2 else ""
    lock, out = threading.Lock(), sys.stdout.buffer

    def tell(message: dict[str, Any]) -> None:
        with lock:
            out.write(orjson.dumps(message) + b"\n")
            out.flush()

    reader = Reader(XRootD(root, depth, host) if host else Local(root, depth), tell)
    reader.start()
    for line in sys.stdin.buffer:
        reader.take(orjson.loads(line))
    os._exit(0)  # a lane that hangs must not keep it


if __name__ == "__main__":
    main(sys.argv[1:])
