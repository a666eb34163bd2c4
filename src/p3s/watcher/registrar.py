"""Telling the server of files, many at a time, once each. Nothing is lost while it is away, and what it refuses of one
file keeps no other."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from p3s.client.sdk import Client
from p3s.protocol.data import DatasetReply, DatasetRequest
from p3s.protocol.errors import Refused, TryLater

from .inbox import Ready
from .sidecars import with_sidecar
from .storage import Message
from .storages import Watch

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

    def __init__(
        self, client: Client, say: Callable[[str], None], done: Callable[[Watch, Ready, DatasetReply], None]
    ) -> None:
        self.client, self.say, self.done = client, say, done
        self.trouble = ""
        self.refused: dict[str, tuple[float, float, Watch, Ready]] = {}
        """By URL: when it is told again, how long it waited for that, and what."""
        self._queue: deque[tuple[Watch, Ready]] = deque()
        self._asked: dict[tuple[Watch, int], tuple[Ready, str]] = {}
        """Files of which a side-car or checksum is being read."""
        self._not_before = 0.0

    # ---- what is to be told

    def add(self, watch: Watch, ready: Ready) -> None:
        """A file that is released."""
        sidecar = ready.lot.stream.rules.sidecar
        name = "" if sidecar is None or ready.request.ignored else sidecar.beside.of(ready.name)
        if name and watch.inbox.is_there(name):
            self._asked[watch, watch.storage.ask("read", name=name)] = (ready, "read")
        else:
            self._checksum(watch, ready)

    def _checksum(self, watch: Watch, ready: Ready) -> None:
        if ready.lot.stream.rules.checksum and not ready.request.ignored:
            self._asked[watch, watch.storage.ask("adler32", name=ready.name)] = (ready, "adler32")
        else:
            self._queue.append((watch, ready))

    def replied(self, watch: Watch, message: Message) -> None:
        """A side-car was read, or a checksum made."""
        found = self._asked.pop((watch, message["id"]), None)
        if found is None:
            return
        ready, what = found
        if what == "read":
            request = with_sidecar(ready.request, message.get("text"), message.get("error", ""))
            self._checksum(watch, replace(ready, request=request))
        elif "error" in message:
            self.say(f"{ready.name}: no checksum ({message['error']}); it is looked at again")
            watch.inbox.untold(ready)
        else:
            self._queue.append((watch, replace(ready, request=_summed(ready.request, message["adler32"]))))

    def drop(self, watch: Watch) -> None:
        """The storage does not answer: what was being read is judged anew when it does."""
        for key in [key for key in self._asked if key[0] is watch]:
            watch.inbox.untold(self._asked.pop(key)[0])

    # ---- telling

    @property
    def idle(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self._queue or self._asked)

    def next_at(self, now: float) -> float:
        """When there is something to do (monotonic)."""
        moments = [max(now, self._not_before)] if self._queue else []
        return min([*moments, *(at for at, *_ in self.refused.values())], default=float("inf"))

    def step(self, now: float) -> None:
        """One call, if there is something to tell."""
        for url, (at, wait_s, watch, ready) in list(self.refused.items()):
            if at <= now:
                self.refused[url] = (float("inf"), wait_s, watch, ready)
                self._queue.append((watch, ready))
        if not self._queue or now < self._not_before:
            return
        some = [self._queue.popleft() for _ in range(min(AT_ONCE, len(self._queue)))]
        replies = self._told([ready for _, ready in some])
        if replies is None:
            self._queue.extendleft(reversed(some))
            return
        lines: list[str] = []
        for (watch, ready), reply in zip(some, replies, strict=True):
            lines += self._answered(watch, ready, reply)
        self._tell(lines)

    def _told(self, some: list[Ready]) -> list[DatasetReply] | None:
        try:
            replies = self.client.register_datasets([one.request for one in some])
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

    def _answered(self, watch: Watch, ready: Ready, reply: DatasetReply) -> list[str]:
        url = ready.request.url
        before = self.refused.pop(url, None)
        if reply.problem:
            wait_s = RETRY_S[0] if before is None else min(before[1] * 2, RETRY_S[1])
            self.refused[url] = (monotonic() + wait_s, wait_s, watch, ready)
            return [f"{url} refused: {reply.problem}"]
        self.done(watch, ready, reply)
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
