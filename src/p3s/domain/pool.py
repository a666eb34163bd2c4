"""Pilots in service, and those of them that wait, grouped by what they have: a decision looks at groups, not pilots."""

from collections.abc import Callable
from dataclasses import dataclass, field

from p3s.domain.effects import Queued, Spec
from p3s.domain.needs import Offer, Room
from p3s.protocol.messages import Instruction, Verdict
from p3s.protocol.states import JobState, PilotState


@dataclass(slots=True)
class Out:
    """A job that a pilot holds."""

    id: int
    job: str
    attempt: int
    state: JobState
    jobtype: str
    priority: int
    spec: Spec
    pilot: str
    number: int
    kill_number: int | None = None
    cancelled_by: str = ""
    retried: int = 0
    #: When it came into its state: nothing that is reported of it may have been before.
    since: float = 0.0

    def queued(self, failed: bool) -> Queued:
        """The job as it is queued again; `failed`: its node spoiled the attempt."""
        return Queued(
            self.id, self.job, self.attempt, self.jobtype, self.priority, self.spec, self.retried + (1 if failed else 0)
        )


_PLAIN = Offer()


@dataclass(slots=True)
class PilotEntry:
    """A pilot that may hold jobs. `lane` is the seq of its open order-lane exchange, if one waits."""

    pilot: str
    host: str
    slots: int
    state: PilotState
    lease_s: float
    token_hash: str
    last_seen: float
    seq: int = 0
    acked: int = 0
    numbered: int = 0
    lane: int | None = None
    #: On reports that rode on the open exchange; they make an answer due.
    verdicts: list[Verdict] = field(default_factory=list)
    #: To end attempts that are not the pilot's own, outside the numbering; they make an answer due.
    strangers: list[Instruction] = field(default_factory=list)
    instruction: str = ""
    instruction_number: int | None = None
    instruction_why: str = ""
    out: dict[str, Out] = field(default_factory=dict)
    #: Whether it could run what it was given last: nothing is ordered ahead of a pilot that cannot.
    proven: bool = False
    offer: Offer = _PLAIN
    #: The end of its life as brokerage counts it; inf: none.
    until: float = float("inf")
    #: What its jobs take of its offer.
    cores: int = 0
    memory: int = 0
    gpus: int = 0
    #: Where it waits, and what it has free there.
    pool: "Pool | None" = field(default=None, repr=False, compare=False)
    room: Room | None = None

    @property
    def site(self) -> str:
        """The name of the place where it runs."""
        return self.offer.site

    @property
    def free(self) -> int:
        """Slots that no job is meant for; negative when jobs were ordered ahead."""
        return self.slots - len(self.out)

    @property
    def spare(self) -> bool:
        """Whether it has a slot and a core for one more job."""
        return self.slots > len(self.out) and self.offer.cores > self.cores

    @property
    def plain(self) -> bool:
        """Whether its jobs take one core each, and it has a core for each slot: only then may jobs be ordered ahead."""
        return self.offer.cores >= self.slots and self.cores == len(self.out) and not self.memory and not self.gpus

    def take(self, out: Out) -> None:
        """A job fills a slot and takes what it needs."""
        needs = out.spec.needs
        self.out[out.job] = out
        self.cores += needs.cores
        self.memory += needs.memory
        self.gpus += needs.gpus

    def release(self, out: Out) -> None:
        """What the job took is free again."""
        needs = out.spec.needs
        del self.out[out.job]
        self.cores -= needs.cores
        self.memory -= needs.memory
        self.gpus -= needs.gpus


@dataclass(slots=True)
class Pool:
    """Pilots that wait, in the order in which they came, and by room: pilots of equal room are alike."""

    entries: dict[str, PilotEntry] = field(default_factory=dict)
    groups: dict[Room, dict[str, PilotEntry]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.entries)

    def put(self, entry: PilotEntry, room: Room) -> None:
        """A pilot waits here with this room; one that is here keeps its place."""
        if entry.room is not None:
            self._ungroup(entry, entry.room)
        entry.pool, entry.room = self, room
        self.entries.setdefault(entry.pilot, entry)
        group = self.groups.get(room)
        if group is None:
            group = self.groups[room] = {}
        group[entry.pilot] = entry

    def drop(self, entry: PilotEntry) -> None:
        """A pilot waits here no longer."""
        assert entry.room is not None
        self._ungroup(entry, entry.room)
        entry.pool = entry.room = None
        del self.entries[entry.pilot]

    def find(self, fits: Callable[[Room], bool]) -> PilotEntry | None:
        """The first pilot if it fits, else the first of a group that does."""
        for entry in self.entries.values():
            if fits(entry.room):  # type: ignore[arg-type]
                return entry
            break
        for room, group in self.groups.items():
            if fits(room):
                return next(iter(group.values()))
        return None

    def _ungroup(self, entry: PilotEntry, room: Room) -> None:
        group = self.groups[room]
        del group[entry.pilot]
        if not group:
            del self.groups[room]
