"""What becomes of files that the server knows: moved or deleted when their jobs and workflows have ended, missing when
they vanish.

The file is acted upon first, and the server told then. Killed in between, a watcher finds at its next start what the
server believes to be there and is not, and tells it.

What is acted upon must be what was processed: a file that was written again since, or that came under the name of one
that was deleted, is left where it is.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

from p3s.client.sdk import Client
from p3s.protocol.catalogue import DatasetChange
from p3s.protocol.data import DatasetReply
from p3s.protocol.errors import Refused, TryLater
from p3s.protocol.states import FINAL_JOB_STATES, DatasetState, Fate, JobState
from p3s.protocol.views import Dataset

from .by_hand import ByHand
from .inbox import Ready
from .records import Records
from .rules import DELETE, LEAVE, MOVE, After
from .storage import Message
from .storages import SHARE, Watch
from .streams import Watched
from .watch import Watcher

LOOK_S = 5.0
"""The jobs and workflows of used files are asked for so often."""

LATER_S = (60.0, 900.0)
"""A file whose jobs ended otherwise, or that could not be moved, is looked at again after so long, then twice as long,
up to the second."""

SAME_S = 1e-3
"""Moments that differ by less are the same: they were rounded."""

TURN_S = 0.2
"""So long the server is asked and told in one turn of the watcher's loop, which has files to register."""

ACTS_AT_ONCE = 200
"""Files that are moved or deleted at the same time."""

BELIEVED, BELIEVED_AT_ONCE = 10_000, 500
"""So many files of a stream, the newest, are looked for at the start, and so many in one order."""


@dataclass(slots=True)
class Used:
    """A file whose jobs were made, or whose workflow was started, as it was told; `not_before` (monotonic) it is looked
    at."""

    watch: Watch
    name: str
    dataset: str
    jobs: list[str]
    after: After
    size: int = 0
    modified_ns: int = 0
    workflow: str = ""
    not_before: float = 0.0
    later_s: float = LATER_S[0]
    queued: bool = False
    """It is to be asked whether it is used up."""
    acting: bool = False
    said: str = ""


class Aftermath:
    """Follows a watcher's files. `step` does a little at a time and never raises for a server that is away."""

    def __init__(self, client: Client, watcher: Watcher, say: Callable[[str], None]) -> None:
        self.client, self.watcher, self.say = client, watcher, say
        self.records = Records(client, say)
        self.used: dict[str, Used] = {}
        """By URL."""
        self._by_hand = ByHand(client, watcher.storages.watches, self.used)
        self._acts: dict[tuple[Watch, int], tuple[Used, str]] = {}
        self._looked: dict[tuple[Watch, int], tuple[dict[str, Dataset], After]] = {}
        self._tasks: deque[Callable[[], None]] = deque()
        """What is to be told the server; one that finds it away is asked again."""
        self._next_at = self._took_s = 0.0
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
        self._by_hand.told(reply)
        if after.act != LEAVE and reply.fate == Fate.TAKEN:
            self._fresh = True
            seen = (ready.size, ready.modified_ns)
            used = Used(watch, ready.name, reply.dataset, reply.jobs, after, *seen, workflow=reply.workflow)
            self.used.setdefault(ready.url, used)

    def _gone(self, watch: Watch, names: list[str]) -> None:
        for name in names:
            used = self.used.get(watch.place.url(name))
            if used is None or not used.acting:
                self.used.pop(watch.place.url(name), None)
                self._tasks.append(partial(self._missing, watch, name))

    def _missing(self, watch: Watch, name: str) -> None:
        """A file that vanished: the server is told if its jobs are not all done."""
        dataset = self.records.dataset(watch.place.url(name))
        if dataset is None or dataset["state"] != DatasetState.AVAILABLE:
            return
        states = self.records.states(dataset["uuid"])
        if not states or not all(state in FINAL_JOB_STATES for state in states.values()):
            missing = DatasetChange(state=DatasetState.MISSING.value, why="its file vanished")
            self.records.change(dataset["uuid"], missing)
            self.say(f"{name} is gone; it is missing")

    # ---- what is due

    def step(self, now: float) -> None:
        """Tell the server what is to be told, and look which files are used up."""
        try:
            self._work_off()
            if now >= self._next_at and not self._tasks:
                self._reconcile()
                self._look(now)
                self._by_hand.step(now, monotonic() + TURN_S)
                self._next_at = self._rested(now) if self._by_hand.idle else now
        except TryLater:
            self._next_at = now + LOOK_S
        except Refused as error:
            self.say(f"after use: {error}")
            self._next_at = now + LATER_S[0]

    def _rested(self, began: float) -> float:
        """When to look next: the server is spared where looking takes long, twice in a row. Once may be that it was
        away."""
        took_s, self._took_s = self._took_s, monotonic() - began
        return began + max(LOOK_S, SHARE * min(took_s, self._took_s))

    def _work_off(self) -> None:
        """What is to be asked and told, for a while: there may be thousands."""
        end = monotonic() + TURN_S
        while self._tasks and monotonic() < end:
            try:
                self._tasks[0]()
            except Refused as error:
                self.say(f"after use: {error}")
            self._tasks.popleft()
        if self._tasks:
            self.watcher.storages.wake()

    def _look(self, now: float) -> None:
        """Which of the used files have no job and no workflow left that goes on."""
        self._fresh = False
        free = [one for one in self.used.values() if not (one.acting or one.queued or one.watch.trouble)]
        some = [one for one in free if one.not_before <= now]
        jobs = [job for one in some for job in one.jobs]
        open_ = self.records.open(jobs, [one.workflow for one in some if one.workflow])
        for one in some:
            if open_.isdisjoint([*one.jobs, one.workflow]) and not one.watch.inbox.is_open(one.name):
                one.queued = True
                self._tasks.append(partial(self._use_up, one))

    def _use_up(self, one: Used) -> None:
        """All jobs and workflows of the dataset count, of whatever stream and of later re-runs; the newest of each
        says."""
        one.queued = False
        try:
            states = self.records.states(one.dataset)
            if any(state not in FINAL_JOB_STATES for state in states.values()) or len(self._acts) >= ACTS_AT_ONCE:
                return  # it is looked at again
            why = self._against(one, states)
        except Refused as error:  # what was asked of this file alone
            why = str(error)
        if why:
            self._leave(one, f"{one.name} is left where it is: {why}")
            return
        one.acting = True
        one.watch.hidden.add(one.name)
        about = {"to": one.after.to} if one.after.act == MOVE else {}
        seen = [one.size, one.modified_ns]
        key = (one.watch, one.watch.storage.ask(one.after.act, name=one.name, seen=seen, **about))
        self._acts[key] = (one, one.after.act)

    def _against(self, one: Used, states: dict[str, str]) -> str:
        """Why a file of which no job may run any more is not used up."""
        if not states:
            return "no job of it is known"
        ill = {what: state for what, state in states.items() if state != JobState.FINISHED}
        if ill and not one.after.failed_too:
            return ", ".join(f"{what} {state}" for what, state in sorted(ill.items()))
        dataset = self.records.dataset(one.watch.place.url(one.name))
        if dataset is None:
            return "the server does not know it"
        if dataset["state"] != DatasetState.AVAILABLE:
            return f"under its name the server has a file that is {dataset['state']}; give new files new names"
        return "" if _is_as_registered(one, dataset) else "it has changed since it was registered"

    def _leave(self, one: Used, said: str) -> None:
        one.not_before = monotonic() + one.later_s
        one.later_s = min(one.later_s * 2, LATER_S[1])
        if said != one.said:
            self.say(said)
        one.said = said

    # ---- what came of it

    def _replied(self, watch: Watch, message: Message) -> None:
        key = (watch, message["id"])
        if key in self._acts:
            self._was_acted(*self._acts.pop(key), message.get("error", ""))
        elif key in self._looked:
            there, after = self._looked.pop(key)
            for name in message.get("gone", ()):
                self._tasks.append(partial(self._not_there, watch, there[name], after, name in message["moved"]))

    def _was_acted(self, one: Used, act: str, error: str) -> None:
        one.acting = False
        if error:
            one.watch.hidden.discard(one.name)
            self._leave(one, f"{one.name} cannot be {_PAST[act]}: {error}")
        else:
            self.used.pop(one.watch.place.url(one.name), None)
            self._tasks.append(partial(self._acted, one))

    def _acted(self, one: Used) -> None:
        """Only when the server knows is a new file of the same name one to be told."""
        self.records.change(one.dataset, change_after(one))
        one.watch.hidden.discard(one.name)
        one.watch.storage.ask("unsettle", names=[one.name])
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
        """What the server believes to lie in a storage and does not: after its first scan, when all of it was told."""
        if not self.watcher.registrar.idle:
            return
        for watch in [one for one in self._unasked if one.scans and not one.trouble and not one.returning]:
            self._tasks += [partial(self._ask_for, watch, lot.stream) for lot in watch.inbox.lots]
            self._unasked.discard(watch)

    def _ask_for(self, watch: Watch, stream: Watched) -> None:
        found = self.client.datasets(BELIEVED, stream=stream.spec.name, state=DatasetState.AVAILABLE.value)
        named = [(watch.place.name_of(dataset["url"]), dataset) for dataset in found]
        believed = [(name, dataset) for name, dataset in named if name is not None]
        if believed and not watch.files:
            known = f"files that the server knows of it are out of sight ({len(believed)})"
            self.say(f"{watch.place} is empty, and {known}: not mounted?")
            return
        for at in range(0, len(believed), BELIEVED_AT_ONCE):
            self._ask_whether(watch, stream.rules.after, believed[at : at + BELIEVED_AT_ONCE])

    def _ask_whether(self, watch: Watch, after: After, believed: Sequence[tuple[str, Dataset]]) -> None:
        there = dict(believed)
        self._looked[watch, watch.storage.ask("there", names=list(there), to=after.to)] = (there, after)

    def _not_there(self, watch: Watch, dataset: Dataset, after: After, moved: bool) -> None:
        """It was used up by a watcher that could not tell, or is missing."""
        name = watch.place.name_of(dataset["url"])
        assert name is not None
        states = self.records.states(dataset["uuid"])
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


def _is_as_registered(one: Used, dataset: Dataset) -> bool:
    """Of what the server does not know it says nothing."""
    modified_at = dataset["modified_at"]
    same_time = modified_at is None or abs(modified_at - one.modified_ns / 1e9) < SAME_S
    return dataset["size"] in (None, one.size) and same_time


_PAST = {MOVE: "moved", DELETE: "deleted"}


def change_after(one: Used) -> DatasetChange:
    """What the server is told of a used file."""
    if one.after.act == MOVE:
        place = one.watch.place
        moved = type(place)(one.after.to, place.host)
        return DatasetChange(url=moved.url(one.name), why="moved after its use")
    return DatasetChange(state=DatasetState.DROPPED.value, why="deleted after its use")
