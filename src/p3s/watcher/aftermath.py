"""What becomes of files that the server knows: moved or deleted when their jobs have ended, missing when they vanish.

The file is acted upon first, and the server told then. Killed in between, a watcher finds at its next start what the
server believes to be there and is not, and tells it.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic

from p3s.client.sdk import Client
from p3s.protocol.catalogue import DatasetChange
from p3s.protocol.data import DatasetReply
from p3s.protocol.errors import NotKnown, Refused, TryLater
from p3s.protocol.states import FINAL_JOB_STATES, DatasetState, Fate, JobState
from p3s.protocol.views import Dataset, JobRow

from .inbox import Ready
from .rules import DELETE, LEAVE, MOVE, After
from .storage import Message
from .storages import Watch
from .streams import Watched
from .watch import Watcher

LOOK_S = 5.0
"""The jobs of used files are asked for so often."""

LATER_S = 60.0
"""A file whose jobs ended otherwise, or that could not be moved, is looked at again after so long."""

NAMED = 200
"""Jobs in one question."""

ACTS_AT_ONCE = 20
"""Files that are moved or deleted at the same time."""

BELIEVED = 10_000
"""So many files of a stream, the newest, are looked for at the start."""


@dataclass(slots=True)
class Used:
    """A file whose jobs were made; `not_before` (monotonic) it is looked at."""

    watch: Watch
    name: str
    dataset: str
    jobs: list[str]
    after: After
    not_before: float = 0.0
    acting: bool = False
    said: str = ""


class Aftermath:
    """Follows a watcher's files. `step` does a little at a time and never raises for a server that is away."""

    def __init__(self, client: Client, watcher: Watcher, say: Callable[[str], None]) -> None:
        self.client, self.watcher, self.say = client, watcher, say
        self.used: dict[str, Used] = {}
        """By URL."""
        self._acts: dict[tuple[Watch, int], tuple[Used, str]] = {}
        self._looked: dict[tuple[Watch, int], tuple[Dataset, After]] = {}
        self._tasks: deque[Callable[[], None]] = deque()
        """What is to be told the server; one that finds it away is asked again."""
        self._next_at = 0.0
        self._fresh = False
        """Whether a used file was told since they were looked at."""
        watcher.on_told.append(self._told)
        watcher.storages.on_gone.append(self._gone)
        watcher.storages.on_reply.append(self._replied)
        watcher.storages.on_trouble.append(self._dropped)
        self._unasked = set(watcher.storages.watches)
        """Storages of which it is to be asked what the server believes to lie there."""

    # ---- what happened

    def _told(self, watch: Watch, ready: Ready, reply: DatasetReply) -> None:
        after = ready.lot.stream.rules.after
        if after.act != LEAVE and reply.fate == Fate.TAKEN:
            self._fresh = True
            self.used.setdefault(ready.url, Used(watch, ready.name, reply.dataset, reply.jobs, after))

    def _gone(self, watch: Watch, names: list[str]) -> None:
        for name in names:
            used = self.used.get(watch.place.url(name))
            if used is None or not used.acting:
                self.used.pop(watch.place.url(name), None)
                self._tasks.append(partial(self._missing, watch, name))

    def _missing(self, watch: Watch, name: str) -> None:
        """A file that vanished: the server is told if its jobs are not all done."""
        dataset = self._dataset(watch.place.url(name))
        if dataset is None or dataset["state"] != DatasetState.AVAILABLE:
            return
        states = self._states(dataset["uuid"])
        if not states or not all(state in FINAL_JOB_STATES for state in states.values()):
            self._change(dataset["uuid"], DatasetChange(state=DatasetState.MISSING.value, why="its file vanished"))
            self.say(f"{name} is gone; it is missing")

    def _dataset(self, url: str) -> Dataset | None:
        try:
            return self.client.find_dataset(url)
        except NotKnown:
            return None

    def _change(self, dataset: str, change: DatasetChange) -> None:
        try:
            self.client.adjust_dataset(dataset, change)
        except Refused as error:
            self.say(f"dataset {dataset}: {error}")

    # ---- what is due

    def step(self, now: float) -> None:
        """Tell the server what is to be told, and look which files are used up."""
        try:
            while self._tasks:
                self._tasks[0]()
                self._tasks.popleft()
            if now >= self._next_at:
                self._next_at = now + LOOK_S
                self._reconcile()
                self._look(now)
        except TryLater:
            self._next_at = now + LOOK_S
        except Refused as error:
            self.say(f"after use: {error}")
            self._tasks.popleft() if self._tasks else None
            self._next_at = now + LATER_S

    def _look(self, now: float) -> None:
        """Which of the used files have no job left that may run."""
        self._fresh = False
        some = [one for one in self.used.values() if one.not_before <= now and not one.acting and not one.watch.trouble]
        jobs = [job for one in some for job in one.jobs]
        open_: set[str] = set()
        for at in range(0, len(jobs), NAMED):
            named = ",".join(jobs[at : at + NAMED])
            open_ |= {row["uuid"] for row in self.client.each_job(uuid=named) if row["state"] not in FINAL_JOB_STATES}
        for one in some:
            if len(self._acts) >= ACTS_AT_ONCE:
                return
            if not open_ & set(one.jobs) and not one.watch.inbox.is_open(one.name):
                self._use_up(one, now)

    def _use_up(self, one: Used, now: float) -> None:
        """All jobs of the dataset count, of whatever stream and of later re-runs; the newest of each type says."""
        states = self._states(one.dataset)
        if not states or any(state not in FINAL_JOB_STATES for state in states.values()):
            return  # of a file without jobs nobody knows that it is used up
        ill = {jobtype: state for jobtype, state in states.items() if state != JobState.FINISHED}
        if ill and not one.after.failed_too:
            one.not_before = now + LATER_S
            said = ", ".join(f"{jobtype} {state}" for jobtype, state in sorted(ill.items()))
            if said != one.said:
                self.say(f"{one.name} is left where it is: {said}")
            one.said = said
            return
        one.acting = True
        about = {"to": one.after.to} if one.after.act == MOVE else {}
        key = (one.watch, one.watch.storage.ask(one.after.act, name=one.name, **about))
        self._acts[key] = (one, one.after.act)

    def _states(self, dataset: str) -> dict[str, str]:
        """Of the newest job of each type."""
        rows: list[JobRow] = list(self.client.each_job(dataset=dataset))
        return {row["jobtype"]: row["state"] for row in reversed(rows)}

    # ---- what came of it

    def _replied(self, watch: Watch, message: Message) -> None:
        key = (watch, message["id"])
        if key in self._acts:
            one, act = self._acts.pop(key)
            one.acting = False
            if "error" in message:
                one.not_before = monotonic() + LATER_S
                self.say(f"{one.name} cannot be {_PAST[act]}: {message['error']}")
                return
            self.used.pop(watch.place.url(one.name), None)
            self._tasks.append(partial(self._acted, one))
        elif key in self._looked:
            dataset, after = self._looked.pop(key)
            if "error" not in message and not message["there"]:
                self._tasks.append(partial(self._not_there, watch, dataset, after, message["moved"]))

    def _acted(self, one: Used) -> None:
        self._change(one.dataset, change_after(one))
        self.say(f"{one.name} {_PAST[one.after.act]}{f' to {one.after.to}' if one.after.act == MOVE else ''}")

    def _dropped(self, watch: Watch) -> None:
        """Replies of this storage will not come; what was done and could not be told is found when it is back."""
        for key in [key for key in self._acts if key[0] is watch]:
            self._acts.pop(key)[0].acting = False
        for key in [key for key in self._looked if key[0] is watch]:
            del self._looked[key]
        self._unasked.add(watch)

    # ---- the start, and after trouble

    def _reconcile(self) -> None:
        """After its first scan: what the server believes to lie in a storage and does not."""
        for watch in [one for one in self._unasked if one.scans and not one.trouble and not one.returning]:
            for lot in watch.inbox.lots:
                self._ask_for(watch, lot.stream)
            self._unasked.discard(watch)

    def _ask_for(self, watch: Watch, stream: Watched) -> None:
        after = stream.rules.after
        found = self.client.datasets(BELIEVED, stream=stream.spec.name, state=DatasetState.AVAILABLE.value)
        named = [(watch.place.name_of(dataset["url"]), dataset) for dataset in found]
        believed = [(name, dataset) for name, dataset in named if name is not None]
        if believed and not watch.files:
            known = f"files that the server knows of it are out of sight ({len(believed)})"
            self.say(f"{watch.place} is empty, and {known}: not mounted?")
            return
        for name, dataset in believed:
            self._looked[watch, watch.storage.ask("there", name=name, to=after.to)] = (dataset, after)

    def _not_there(self, watch: Watch, dataset: Dataset, after: After, moved: bool) -> None:
        """It was used up by a watcher that could not tell, or is missing."""
        name = watch.place.name_of(dataset["url"])
        assert name is not None
        states = self._states(dataset["uuid"])
        ended = bool(states) and all(state in FINAL_JOB_STATES for state in states.values())
        if moved or (ended and after.act == DELETE):
            self._acted(Used(watch, name, dataset["uuid"], [], after))
        elif not ended:
            self._missing(watch, name)

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        unasked = any(not watch.trouble for watch in self._unasked)
        return not (self._tasks or self._acts or self._looked or self._fresh or unasked)


_PAST = {MOVE: "moved", DELETE: "deleted"}


def change_after(one: Used) -> DatasetChange:
    """What the server is told of a used file."""
    if one.after.act == MOVE:
        place = one.watch.place
        moved = type(place)(one.after.to, place.host)
        return DatasetChange(url=moved.url(one.name), why="moved after its use")
    return DatasetChange(state=DatasetState.DROPPED.value, why="deleted after its use")
