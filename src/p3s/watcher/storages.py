"""The watched storages: they are read again and again, and what they say goes to their inboxes. A storage that hangs or
says no is given up and tried again; the others go on."""

import queue
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic, time

from p3s.protocol.errors import BadInput

from .inbox import Clock, Inbox
from .places import Place
from .storage import Message, Storage
from .streams import Watched

SHARE = 20
"""A storage is read again after as many times as long as reading it takes, when that is longer than its streams say.
The shorter of the last two readings counts: once, it may have hung."""

LOOK_AT = 1_000
"""Names in one order to look."""

AGAIN_S = 5.0
"""A storage in trouble is tried again so often."""

_WRONG = {
    "No such file or directory": "is not a directory here; make it, or",
    "Not a directory": "is not a directory here; move it away, or",
}

CATCH_UP_S = 2.0
"""So long after what was there has rested, it is looked at and told."""

OPEN_S = 10.0
"""At the start, storages are waited for so long; one that hangs is watched from when it answers."""


@dataclass(eq=False)
class Watch:
    """A storage, its files, and how it stands. Moments are monotonic unless they say otherwise."""

    storage: Storage
    inbox: Inbox
    every_s: float
    opened: bool = False
    scanning: bool = False
    next_scan_at: float = float("inf")
    took_s: float = 0.0
    """The last scan."""
    trouble: str = ""
    silent: bool = False
    wrong: bool = False
    """What a person must correct, rather than wait."""
    since: float = 0.0
    """When the trouble began, epoch seconds; 0 when a scan ended well since."""
    again_at: float = float("inf")
    returning: bool = False
    """It was in trouble, and no scan has ended since."""
    was_away: bool = False
    catching_up_until: float = 0.0
    """Of what is told before, it was there at the start, or when the storage came back (`was_away`)."""
    scans: int = 0
    files: int = 0
    """Seen in the last scan; of those that came since, at least one."""
    identity: str = ""
    told_unwatched: bool = False
    notes: list[str] = field(default_factory=list)
    """What a person should know of the last scan."""
    settling: dict[int, list[str]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """Names that are being settled: what the storage still says of them is old."""

    @property
    def place(self) -> Place:
        return self.storage.place

    @property
    def due_at(self) -> float:
        """When there is something to do. What its files wait for can only be done while it answers."""
        if self.trouble:
            return self.again_at
        if not self.opened:
            return float("inf")
        again_at = self.inbox.next_at()
        scan_at = float("inf") if self.scanning else self.next_scan_at
        return scan_at if again_at is None else min(scan_at, again_at)


class Storages:
    """Those of some streams, with what is seen in them. `say` gets one line for each thing a person should know.

    Whoever acts on what is seen adds to `on_release` (files may be complete now), `on_gone` (files that had been told
    are gone), `on_reply` (of an order for one file), and `on_trouble` (replies of this storage will not come).
    """

    def __init__(
        self,
        streams: Iterable[Watched],
        say: Callable[[str], None],
        silent_s: float = 0.0,
        clock: Clock | None = None,
        trust_ages: bool = False,
    ) -> None:
        self.streams, self.say = list(streams), say
        self.on_release: list[Callable[[Watch], None]] = []
        self.on_gone: list[Callable[[Watch, list[str]], None]] = []
        self.on_reply: list[Callable[[Watch, Message], None]] = []
        self.on_trouble: list[Callable[[Watch], None]] = []
        self._posted: queue.SimpleQueue[tuple[Storage, Message] | None] = queue.SimpleQueue()
        clock = clock or Clock()
        self.watches = [
            Watch(
                Storage(place, max(one.depth for one in some), self._post, silent_s),
                Inbox(some, clock, trust_ages),
                min(one.rules.scan.every_s for one in some),
            )
            for place, some in by_place(self.streams).items()
        ]
        self._started = False
        self._by_storage = {watch.storage: watch for watch in self.watches}

    def _post(self, storage: Storage, message: Message) -> None:
        self._posted.put((storage, message))

    # ---- the start and the end

    def open(self) -> None:
        """Open all storages. Raises BadInput for one that is not there; one that hangs, or whose server does, is
        trouble."""
        for watch in self.watches:
            watch.storage.start()
        end = monotonic() + OPEN_S
        while not all(watch.opened or watch.trouble for watch in self.watches) and monotonic() < end:
            self.receive(0.2)
            self.attend(monotonic())
        for watch in self.watches:
            if watch.wrong:
                self.close()
                what = _WRONG.get(watch.trouble, f"{watch.trouble};")
                raise BadInput(f"{watch.place} {what} correct files in the stream")
            if not watch.opened:
                self.say(f"{watch.place}: {watch.trouble or 'no answer yet'}; the other storages are watched")
        self._started = True

    def look(self) -> None:
        """Read every storage once, and tell nobody of what is there."""
        for watch in self.watches:
            self.scan(watch)
        while any(watch.scanning for watch in self.watches):
            self.receive(0.2)
            for watch in self.watches:
                if not watch.trouble and watch.storage.silent_since() is not None:
                    self._troubled(watch, "silent", time())

    def wake(self) -> None:
        """From any thread, or a signal's handler: look whether it is time to stop."""
        self._posted.put(None)

    def close(self) -> None:
        """End the storages' processes."""
        for watch in self.watches:
            watch.storage.give_up()

    # ---- the loop's parts

    def next_at(self, now: float) -> float:
        """When to attend at the latest."""
        return min([now + 1.0, *(watch.due_at for watch in self.watches)])

    def receive(self, wait_s: float) -> None:
        """What the storages said: the first within `wait_s`, and all that is there."""
        try:
            posted = self._posted.get(timeout=wait_s) if wait_s > 0 else self._posted.get_nowait()
            while True:
                if posted is not None:
                    self._take(self._by_storage[posted[0]], posted[1])
                posted = self._posted.get_nowait()
        except queue.Empty:
            return

    def attend(self, now: float) -> None:
        """What is due."""
        for watch in self.watches:
            if watch.trouble:
                self._try_again(watch, now)
                continue
            silent_at = watch.storage.silent_since()
            if silent_at is not None:
                watch.silent = True
                self._troubled(watch, "silent", time() - (now - silent_at))
                continue
            due = watch.inbox.due(now) if watch.opened else []
            for at in range(0, len(due), LOOK_AT):
                watch.storage.ask("look", names=due[at : at + LOOK_AT])
            if now >= watch.next_scan_at and not watch.scanning:
                self.scan(watch)
            self._release(watch)

    # ---- a storage

    def scan(self, watch: Watch) -> None:
        """Have it read."""
        if watch.opened and not watch.trouble:
            watch.scanning = True
            watch.storage.ask("scan")

    def _take(self, watch: Watch, message: Message) -> None:
        kind = message["re"]
        if kind == "found":
            watch.files = max(watch.files, len(message["files"]))  # they may have come since it was read
            files = [entry for entry in message["files"] if entry[0] not in watch.hidden]
            self.settle(watch, watch.inbox.found(files, message["from"], message["to"]))
        elif kind == "settle":
            watch.hidden.difference_update(watch.settling.pop(message["id"], ()))
        elif message.get("lane") == "file" and kind != "still":
            for tell in self.on_reply:
                tell(watch, message)
        elif kind == "watching":
            watch.next_scan_at = monotonic()  # what came before it watched
        elif kind == "unwatched":
            self._unwatched(watch, message["why"])
        elif "error" in message and kind in ("open", "scan", "ended"):
            watch.wrong = message.get("wrong", False)
            self._troubled(watch, message["error"], time())
        elif kind == "open":
            self._opened(watch)
        elif kind == "scan":
            self._scanned(watch, message)
        elif kind == "look" and "error" not in message:
            self._gone(watch, message["gone"])

    def _opened(self, watch: Watch) -> None:
        watch.opened = True
        if watch.returning:
            self.scan(watch)

    def _scanned(self, watch: Watch, message: Message) -> None:
        watch.scanning = False
        took_s, watch.took_s = watch.took_s, message["took_s"]
        watch.next_scan_at = monotonic() + max(watch.every_s, SHARE * min(took_s, watch.took_s))
        if self._is_another(watch, message):
            self._troubled(watch, "another file system is there, and none of its files: not mounted?", time())
            return
        watch.since, watch.silent = 0.0, False
        watch.identity, watch.files, watch.scans = message["identity"], message["count"], watch.scans + 1
        watch.notes = [f"cannot read {trouble}" for trouble in message["troubles"]]
        watch.notes += [f"names that are not UTF-8: {message['odd']}"] if message["odd"] else []
        watch.inbox.scanned()
        if watch.scans == 1 or watch.returning:
            watch.was_away = watch.returning
            rested_s = max(lot.stream.rules.complete.rested_s for lot in watch.inbox.lots)
            watch.catching_up_until = monotonic() + rested_s + CATCH_UP_S
        self._release(watch)
        if watch.returning:
            watch.returning = False
            self.say(f"{watch.place} is back")
        self._gone(watch, message["gone"])

    @staticmethod
    def _is_another(watch: Watch, message: Message) -> bool:
        """An unmounted file system leaves an empty directory: its files are not gone, they are out of sight."""
        other = bool(watch.identity) and message["identity"] != watch.identity
        return other and bool(message["gone"]) and not message["count"]

    def _unwatched(self, watch: Watch, why: str) -> None:
        if not watch.told_unwatched:
            watch.told_unwatched = True
            self.say(f"{watch.place}: {why}; it is read every {watch.every_s:g} s")

    def _gone(self, watch: Watch, names: list[str]) -> None:
        known = watch.inbox.gone(names)
        for tell in self.on_gone if known else []:
            tell(watch, known)

    def _troubled(self, watch: Watch, why: str, since: float) -> None:
        """The storage does not answer, or says no: its process is given up, and tried again when it is gone."""
        watch.trouble, watch.since = why, watch.since or since
        watch.opened = watch.scanning = False
        watch.settling, watch.hidden = {}, set()
        watch.again_at = monotonic() + AGAIN_S
        watch.storage.give_up()
        for tell in self.on_trouble:
            tell(watch)
        if self._started:
            self.say(f"{watch.place}: {why}; it is tried again")

    def _try_again(self, watch: Watch, now: float) -> None:
        if now < watch.again_at:
            return
        watch.again_at = now + AGAIN_S
        if watch.storage.alive:
            return  # it cannot be killed yet: whatever holds it has not come back
        watch.trouble, watch.returning = "", True
        watch.inbox.forget_unmatched()
        watch.storage.start()

    def _release(self, watch: Watch) -> None:
        """Not while it is being read, so that all of a scan is seen before the first is chosen."""
        if watch.scans and not watch.scanning:
            for release in self.on_release:
                release(watch)

    def settle(self, watch: Watch, names: list[str]) -> None:
        """These need not be told again."""
        if names:
            watch.hidden.update(names)
            watch.settling[watch.storage.ask("settle", names=names)] = names


def by_place(streams: Iterable[Watched]) -> dict[Place, list[Watched]]:
    """Streams of one directory share its storage."""
    found: dict[Place, list[Watched]] = {}
    for stream in streams:
        found.setdefault(stream.place, []).append(stream)
    return found
