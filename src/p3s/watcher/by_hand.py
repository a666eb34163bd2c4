"""Files that a stream had left out when they were told, and of which a person has had jobs or a workflow made since:
they are told again, so that what is to become of them after use is known here too."""

from collections.abc import Collection, Iterator
from time import monotonic

from p3s.client.sdk import Client
from p3s.protocol.data import DatasetReply
from p3s.protocol.errors import NotKnown

from .rules import LEAVE
from .storages import Watch
from .streams import Watched

EVERY_S = 10.0
"""The server is asked so often what was made for the streams."""


class ByHand:
    """Asks what was made for the streams of a watcher, and passes over what was made when their files were told.

    `used`: files, by URL, that are followed already.
    """

    def __init__(self, client: Client, watches: Collection[Watch], used: Collection[str]) -> None:
        self.client, self.watches, self.used = client, watches, used
        self._since: dict[str, tuple[float, set[str]]] = {}
        """By stream: what was made before, by the server's clock, has been looked at, and of that moment these."""
        self._new: set[str] = set()
        self._old: set[str] = set()
        """Jobs and workflows that were answered since the last look began, and since the one before."""
        self._walk: Iterator[None] | None = None
        self._next_at = 0.0

    def told(self, reply: DatasetReply) -> None:
        """What the server has made of a file, or had before."""
        self._new.update(reply.jobs)
        if reply.workflow:
            self._new.add(reply.workflow)

    def step(self, now: float, until: float) -> None:
        """A part of a look when one is due, up to `until`; both monotonic. Raises TryLater, Refused; it is looked again
        then."""
        if now < self._next_at:
            return
        walk, self._walk = self._walk or self._look(), None
        for _ in walk:
            if monotonic() > until:
                self._walk = walk
                return
        self._next_at = monotonic() + EVERY_S

    @property
    def idle(self) -> bool:
        """Whether no look is under way."""
        return self._walk is None

    def _look(self) -> Iterator[None]:
        self._old, self._new = self._new, set()
        for watch in list(self.watches):
            for stream in [lot.stream for lot in watch.inbox.lots if lot.stream.rules.after.act != LEAVE]:
                yield from self._look_for(watch, stream)

    def _look_for(self, watch: Watch, stream: Watched) -> Iterator[None]:
        name = stream.spec.name
        if name not in self._since:  # all files are told anew at the start, whatever was made until now
            newest = list(self._made(stream, 1, None))
            self._since[name] = max((at for _, at in newest), default=0.0), {what for what, _ in newest}
            return
        since, seen = self._since[name]
        latest, last = since, set(seen)
        for what, at in self._made(stream, None, since):
            if at > latest:
                latest, last = at, set()
            if at == latest:
                last.add(what)
            if not any(what in known for known in (self._old, self._new, seen)):
                self._tell_again(watch, self._file_of(stream, what))
            yield
        self._since[name] = latest, last

    def _made(self, stream: Watched, most: int | None, since: float | None) -> Iterator[tuple[str, float]]:
        """Jobs, or workflows, and when they were made, the newest first."""
        name = stream.spec.name
        if stream.spec.workflow:
            for flow in self.client.workflows(most, stream=name, since=since):
                yield flow["uuid"], flow["created_at"]
            return
        listed = self.client.jobs(most, stream=name) if most else self.client.each_job(stream=name, since=since)
        for job in listed:
            yield job["uuid"], job["submitted_at"]

    def _file_of(self, stream: Watched, what: str) -> str:
        """The URL of the file of a job or workflow, as it is now; "" of none."""
        try:
            made = self.client.workflow(what) if stream.spec.workflow else self.client.job(what)
            return self.client.dataset(made["dataset"])["url"] if made["dataset"] else ""
        except NotKnown:
            return ""

    def _tell_again(self, watch: Watch, url: str) -> None:
        name = watch.place.name_of(url)
        if name is not None and url not in self.used and not watch.inbox.is_open(name):
            watch.storage.ask("unsettle", names=[name])
