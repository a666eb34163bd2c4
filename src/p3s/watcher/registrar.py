"""Telling the server of files, many at a time, once each. Nothing is lost while it is away, and what it refuses of one
file keeps no other."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import NamedTuple

from p3s.client.sdk import Client
from p3s.protocol.data import DatasetReply, DatasetRequest
from p3s.protocol.errors import Refused, TryLater
from p3s.protocol.states import Fate
from p3s.protocol.units import counted

from .inbox import Ready
from .sidecars import is_json, with_sidecar
from .storage import Message
from .storages import Watch

AT_ONCE = 500
"""Files in one call."""

LINES = 20
"""So many new files of a call are told one by one, more in one line."""

HALF_S = 1.0
"""A side-car that is no JSON is read again so often, while it is waited for."""

AWAY_S = 1.0
REFUSED_S = 30.0
"""A call that got no answer, or was refused as a whole, is made again after so long."""

RETRY_S = (300.0, 3_600.0)
"""A file that was refused is told again after so long, then twice as long, up to the second."""


_Queue = deque[tuple[Watch, Ready, DatasetRequest | None]]
"""Files, and what more is known of those that have a side-car or checksum."""


class _Preparing(NamedTuple):
    """A file of which something is read before it goes to its queue."""

    watch: Watch
    ready: Ready
    queue: _Queue


class Registrar:
    """`done` is called with each file the server has, and its answer."""

    def __init__(
        self, client: Client, say: Callable[[str], None], done: Callable[[Watch, Ready, DatasetReply], None]
    ) -> None:
        self.client, self.say, self.done = client, say, done
        self.trouble = ""
        self.refused: dict[str, tuple[float, float, Watch, Ready]] = {}
        """By URL: when it is told again, how long it waited for that, and what."""
        self._queues: tuple[_Queue, _Queue] = (deque(), deque())
        """Files that came while we watch, which are told first, and those that were there."""
        self._asked: dict[tuple[Watch, int], tuple[_Preparing, str]] = {}
        """Files of which a side-car or checksum is being read."""
        self._requests: dict[tuple[Watch, int], DatasetRequest] = {}
        """What is known of those whose checksum is being made."""
        self._half: list[tuple[float, _Preparing]] = []
        """Files whose side-car may still be written, and when it is read again."""
        self._not_before = 0.0

    # ---- what is to be told

    def add(self, watch: Watch, ready: Ready, first: bool = True) -> None:
        """A file that is released; `first`, before all that is not."""
        self._prepare(_Preparing(watch, ready, self._queues[0 if first else 1]))

    def _prepare(self, one: "_Preparing") -> None:
        watch, ready, _ = one
        sidecar = ready.lot.stream.rules.sidecar
        name = "" if sidecar is None or ready.reason else sidecar.beside.of(ready.name)
        if name and watch.inbox.is_there(name):
            self._asked[watch, watch.storage.ask("read", name=name)] = (one, "read")
        else:
            self._checksum(one, None)

    def _checksum(self, one: "_Preparing", request: DatasetRequest | None) -> None:
        """`request`: what is known of a file that has a side-car."""
        watch, ready, queue = one
        if ready.lot.stream.rules.checksum and not ready.reason:
            number = watch.storage.ask("adler32", name=ready.name)
            self._asked[watch, number] = (one, "adler32")
            self._requests[watch, number] = request or ready.request()
        else:
            queue.append((watch, ready, request))

    def replied(self, watch: Watch, message: Message) -> None:
        """A side-car was read, or a checksum made."""
        key = (watch, message["id"])
        found = self._asked.pop(key, None)
        if found is None:
            return
        (_, ready, queue), what = found
        if what == "read":
            if self._may_be_half(ready, message.get("text")):
                self._half.append((monotonic() + HALF_S, found[0]))
                return
            request = with_sidecar(ready.request(), message.get("text"), message.get("error", ""))
            self._checksum(found[0], request)
            return
        request = self._requests.pop(key)
        if "error" in message:
            self.say(f"{ready.name}: no checksum ({message['error']}); it is looked at again")
            watch.inbox.untold(ready)
        else:
            queue.append((watch, ready, _summed(request, message["adler32"])))

    @staticmethod
    def _may_be_half(ready: Ready, text: str | None) -> bool:
        """Whether a side-car is read again, because it was perhaps seen before all of it was written."""
        sidecar = ready.lot.stream.rules.sidecar
        assert sidecar is not None
        return text is not None and monotonic() < ready.at + sidecar.wait_s and not is_json(text)

    def drop(self, watch: Watch) -> None:
        """The storage does not answer: what was being read is judged anew when it does."""
        for key in [key for key in self._asked if key[0] is watch]:
            watch.inbox.untold(self._asked.pop(key)[0].ready)
            self._requests.pop(key, None)
        for _, one in self._half:
            if one.watch is watch:
                watch.inbox.untold(one.ready)
        self._half = [(at, one) for at, one in self._half if one.watch is not watch]

    # ---- telling

    @property
    def idle(self) -> bool:
        """Whether there is nothing to tell."""
        return not (any(self._queues) or self._asked or self._half)

    def next_at(self, now: float) -> float:
        """When there is something to do (monotonic)."""
        moments = [max(now, self._not_before)] if any(self._queues) else []
        moments += [at for at, _ in self._half]
        return min([*moments, *(at for at, *_ in self.refused.values())], default=float("inf"))

    def step(self, now: float) -> None:
        """One call, if there is something to tell."""
        for url, (at, wait_s, watch, ready) in list(self.refused.items()):
            if at <= now:
                self.refused[url] = (float("inf"), wait_s, watch, ready)
                self.add(watch, ready)
        due = [one for at, one in self._half if at <= now]
        self._half = [(at, one) for at, one in self._half if at > now]
        for one in due:
            self._prepare(one)
        queue = self._queues[0] or self._queues[1]
        if not queue or now < self._not_before:
            return
        some = [queue.popleft() for _ in range(min(AT_ONCE, len(queue)))]
        replies = self._told([request or ready.request() for _, ready, request in some])
        if replies is None:
            queue.extendleft(reversed(some))
            return
        lines: list[str] = []
        for (watch, ready, _), reply in zip(some, replies, strict=True):
            lines += self._answered(watch, ready, reply)
        self._tell(lines)

    def _told(self, some: list[DatasetRequest]) -> list[DatasetReply] | None:
        try:
            replies = self.client.register_datasets(some)
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
        url = ready.url
        before = self.refused.pop(url, None)
        if reply.problem:
            wait_s = RETRY_S[0] if before is None else min(before[1] * 2, RETRY_S[1])
            self.refused[url] = (monotonic() + wait_s, wait_s, watch, ready)
            return [f"{url} refused: {reply.problem}"]
        self.done(watch, ready, reply)
        if not reply.new:
            return []
        name = ready.name.rpartition("/")[2]
        if reply.fate == Fate.SAMPLED_OUT:
            return [f"{name} sampled out"]
        if reply.fate == Fate.IGNORED:
            return [f"{name} left out: {reply.reason}"]
        if reply.workflow:
            return [f"{name} registered, workflow {reply.workflow}"]
        return [f"{name} registered, {counted(len(reply.jobs), 'job')}"]

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
