"""Telling the server of files, many at a time, once each. Nothing is lost while it is away, and what it refuses of one
file keeps no other."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from p3s.client.sdk import Client
from p3s.protocol.data import DatasetReply, DatasetRequest
from p3s.protocol.errors import Refused, TryLater

from .inbox import Inbox, Ready
from .sidecars import with_sidecar
from .storage import Message, Storage

AT_ONCE = 500
"""Files in one call."""

LINES = 20
"""So many new files of a call are told one by one, more in one line."""

AWAY_S = 1.0
REFUSED_S = 30.0
"""A call that got no answer, or was refused as a whole, is made again after so long."""

RETRY_S = (300.0, 3_600.0)
"""A file that was refused is told again after so long, then twice as long, up to the second."""


class Registrar:
    """`done` is called with each file the server has, and its answer."""

    def __init__(self, client: Client, say: Callable[[str], None], done: Callable[[Ready, DatasetReply], None]) -> None:
        self.client, self.say, self.done = client, say, done
        self.trouble = ""
        self.refused: dict[str, tuple[float, float, Ready]] = {}
        """By URL: when it is told again, how long it waited for that, and what."""
        self._queue: deque[Ready] = deque()
        self._asked: dict[tuple[Storage, int], tuple[Inbox, Ready, str]] = {}
        """Files of which a side-car or checksum is being read."""
        self._not_before = 0.0

    # ---- what is to be told

    def add(self, storage: Storage, inbox: Inbox, ready: Ready) -> None:
        """A file that is released."""
        rules = ready.lot.stream.rules
        if ready.request.ignored:
            self._queue.append(ready)
        elif rules.sidecar is not None and inbox.is_there(rules.sidecar.beside.of(ready.name)):
            self._ask(storage, inbox, ready, "read", rules.sidecar.beside.of(ready.name))
        else:
            self._checksum(storage, inbox, ready)

    def _ask(self, storage: Storage, inbox: Inbox, ready: Ready, what: str, name: str) -> None:
        self._asked[storage, storage.ask(what, name=name)] = (inbox, ready, what)

    def _checksum(self, storage: Storage, inbox: Inbox, ready: Ready) -> None:
        if ready.lot.stream.rules.checksum:
            self._ask(storage, inbox, ready, "adler32", ready.name)
        else:
            self._queue.append(ready)

    def replied(self, storage: Storage, message: Message) -> None:
        """A side-car was read, or a checksum made."""
        found = self._asked.pop((storage, message["id"]), None)
        if found is None:
            return
        inbox, ready, what = found
        if what == "read":
            request = with_sidecar(ready.request, message.get("text"), message.get("error", ""))
            self._checksum(storage, inbox, replace(ready, request=request))
        elif "error" in message:
            self.say(f"{ready.name}: no checksum ({message['error']}); it is looked at again")
            inbox.untold(ready)
        else:
            self._queue.append(replace(ready, request=_summed(ready.request, message["adler32"])))

    def drop(self, storage: Storage) -> None:
        """The storage does not answer: what was being read is judged anew when it does."""
        for key in [key for key in self._asked if key[0] is storage]:
            inbox, ready, _ = self._asked.pop(key)
            inbox.untold(ready)

    # ---- telling

    @property
    def idle(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self._queue or self._asked)

    def next_at(self, now: float) -> float | None:
        """When there is something to do (monotonic)."""
        moments = [max(now, self._not_before)] if self._queue else []
        return min([*moments, *(at for at, _, _ in self.refused.values())], default=None)

    def step(self, now: float) -> None:
        """One call, if there is something to tell."""
        for url, (at, _, ready) in list(self.refused.items()):
            if at <= now:
                self.refused[url] = (float("inf"), self.refused[url][1], ready)
                self._queue.append(ready)
        if not self._queue or now < self._not_before:
            return
        some = [self._queue.popleft() for _ in range(min(AT_ONCE, len(self._queue)))]
        replies = self._told(some)
        if replies is None:
            self._queue.extendleft(reversed(some))
            return
        lines: list[str] = []
        for ready, reply in zip(some, replies, strict=True):
            lines += self._answered(ready, reply)
        self._tell(lines)

    def _told(self, some: list[Ready]) -> list[DatasetReply] | None:
        try:
            replies = [self.client.register_dataset(one.request) for one in some]
        except (TryLater, Refused) as error:
            self._not_before = monotonic() + (REFUSED_S if isinstance(error, Refused) else AWAY_S)
            if self.trouble != str(error):
                self.say(f"{error}; nothing is lost, the files are told again")
            self.trouble = str(error)
            return None
        if self.trouble:
            self.trouble = ""
            self.say("the server is back")
        return replies

    def _answered(self, ready: Ready, reply: DatasetReply) -> list[str]:
        url = ready.request.url
        before = self.refused.pop(url, None)
        if reply.problem:
            wait_s = RETRY_S[0] if before is None else min(before[1] * 2, RETRY_S[1])
            self.refused[url] = (monotonic() + wait_s, wait_s, ready)
            return [f"{url} refused: {reply.problem}"]
        self.done(ready, reply)
        if not reply.new:
            return []
        name = ready.request.name
        if reply.fate == "sampled out":
            return [f"{name} sampled out"]
        if ready.request.ignored or reply.fate == "ignored":
            return [f"{name} left out: {reply.reason or ready.request.ignored}"]
        return [f"{name} registered, {len(reply.jobs)} jobs"]

    def _tell(self, lines: list[str]) -> None:
        for line in lines if len(lines) <= LINES else lines[:3]:
            self.say(line)
        if len(lines) > LINES:
            self.say(f"... {len(lines)} files in one go")


def _summed(request: DatasetRequest, adler32: str) -> DatasetRequest:
    """With the checksum; a file that is not what its side-car says is left out."""
    if request.adler32 and request.adler32 != adler32:
        said = f"its adler32 is not that of its side-car ({adler32}, {request.adler32})"
        return replace(request, adler32=adler32, ignored="adler32 differs", comment=said)
    return replace(request, adler32=adler32)
