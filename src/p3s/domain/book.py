"""The broker's memory: who waits, who holds what, the heads of the queues. Rebuilt from the database at any time.

Only `apply` changes it, one effect at a time; the rules read it. One thread owns it.
"""

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from p3s.domain import lifecycle
from p3s.domain.effects import (
    Effect,
    HostDoubted,
    HostTrusted,
    JobAdded,
    JobAdjusted,
    JobDispatched,
    JobEnded,
    JobFollowed,
    JobHeld,
    JobReady,
    JobReleased,
    JobReturned,
    JobStarted,
    KillOrdered,
    LaneAnswered,
    Noted,
    OutputsMade,
    Paused,
    PilotAdded,
    PilotInstructed,
    PilotMoved,
    Queued,
    Resumed,
    StepEnded,
    Submitted,
    TypeBlamed,
    TypeDeclared,
    WorkflowMoved,
)
from p3s.domain.estimates import Estimates
from p3s.domain.heard import SILENT_S, Heard
from p3s.domain.hosts import HOST_AT_FAULT, Doubt, Host, Hosts
from p3s.domain.keys import RecentKeys
from p3s.domain.needs import Offer, Offers, Room, last_moment
from p3s.domain.pool import Out, PilotEntry, Pool
from p3s.domain.queue import WINDOW
from p3s.domain.queues import Queues
from p3s.domain.workflows.flows import Flows
from p3s.protocol.messages import AHEAD_PER_SLOT, JobTypeSpec
from p3s.protocol.states import FINAL_PILOT_STATES, JobState, PilotState, WorkflowState


class Book:
    """`started_at`: when this server's memory begins; silence is never counted from before it."""

    def __init__(self, started_at: float, window: int = WINDOW, silent_s: float = SILENT_S) -> None:
        self.started_at, self.silent_s = started_at, silent_s
        self.pilots: dict[str, PilotEntry] = {}
        self.heard = Heard()
        self.out: dict[str, Out] = {}
        #: Known job types; an unknown one is created when a job names it.
        self.types: dict[str, JobTypeSpec] = {}
        self.in_use: Counter[str] = Counter()
        #: What people keep from being handed out, by job type.
        self.pauses: dict[str, Paused] = {}
        #: Pilots with an open lane and a free slot.
        self.ready = Pool()
        #: Full pilots with an open lane that may be ordered quick jobs ahead.
        self.eager = Pool()
        self.offers = Offers()
        self.queues = Queues(window, self.offers, lambda jobtype: self.kind(jobtype).pick)
        self.hosts = Hosts()
        #: The job for which others were shed last, and the seconds of work shed for it. Memory only.
        self.shed_for: tuple[str, float] = ("", 0.0)
        self.estimates = Estimates()
        #: Jobs that were dropped while handing out, since upkeep last looked.
        self.drops = 0
        #: Jobs that are queued again, of types whose newer ones supersede older: one may have come meanwhile.
        self.back: list[Queued] = []
        #: No gathering is due by the clock before this moment.
        self.gather_from = float("-inf")
        #: Ends that something waits for, or of which results were expected, not yet told to it.
        self.followed: list[JobEnded] = []
        #: Workflows that go on, and those of which a job has started that they have not heard of.
        self.flows = Flows()
        self.begun: set[str] = set()
        #: Pilots whose open lane may be due an answer; looked at when a batch is settled.
        self.owed: deque[str] = deque()
        self.next_id = 1
        self.keys = RecentKeys()

    # ---- from the database

    def restore_pilot(self, entry: PilotEntry) -> None:
        """A pilot in service, as the database has it; the one unheard longest comes first. Its jobs come after."""
        self.pilots[entry.pilot] = entry
        self.heard.add(entry)
        self.queues.came(entry.offer)
        self.hosts.host(entry.host).pilots[entry.pilot] = entry

    def restore_out(self, out: Out) -> None:
        """A job that a pilot holds, as the database has it."""
        entry = self.pilots[out.pilot]
        entry.numbered = max(entry.numbered, out.number, out.kill_number or 0)
        self.hold(entry, out)

    def restore_finished(self, jobtype: str, host: str, wall_s: float) -> None:
        """A job that finished lately, the oldest first: how long its type takes, and where it succeeds."""
        self.estimates.learn(jobtype, wall_s)
        self.hosts.succeeded(host, jobtype)

    # ---- reading

    def alive(self, pilot: str) -> PilotEntry | None:
        """The entry of a pilot that is neither stopped nor lost."""
        return self.pilots.get(pilot)

    def kind(self, jobtype: str) -> JobTypeSpec:
        """A job type's settings; an unknown one has the defaults."""
        return self.types.get(jobtype) or JobTypeSpec(jobtype)

    # ---- the pilot's lane (memory only: an open wait is nothing that could be lost)

    def open_lane(self, entry: PilotEntry, seq: int, acked: int) -> None:
        entry.seq = entry.lane = seq
        entry.acked = max(entry.acked, min(acked, entry.numbered))  # what was never given cannot be confirmed
        self.rank(entry)
        self.owed.append(entry.pilot)

    def close_lane(self, entry: PilotEntry) -> None:
        entry.lane = None
        entry.verdicts = []
        entry.strangers = []
        self.rank(entry)

    def rank(self, entry: PilotEntry) -> None:
        """Put the pilot among the ready or the eager ones with what it has free, or take it out."""
        pool: Pool | None = None
        if entry.lane is not None and entry.state is PilotState.ACTIVE:
            if entry.spare:
                pool = self.ready
            elif self._may_run_ahead(entry):
                pool = self.eager
        room = None if pool is None else self._room(entry)
        if room is not None and "" in room.barred:
            pool = room = None
        if entry.pool is not None and entry.pool is not pool:
            entry.pool.drop(entry)
        if pool is not None and room is not None and entry.room != room:
            pool.put(entry, room)

    def _room(self, entry: PilotEntry) -> Room:
        offer = entry.offer
        return Room(
            self.offers.number(offer),
            max(offer.cores - entry.cores, 1),  # for one ordered ahead: when a slot becomes free
            offer.memory - entry.memory,
            offer.gpus - entry.gpus,
            entry.until,
            self.hosts.host(entry.host).barred,
        )

    def _may_run_ahead(self, entry: PilotEntry) -> bool:
        """Whether its slots become free within milliseconds, and it is not ordered enough for that already."""
        if not entry.proven or not entry.plain or -entry.free >= entry.slots * AHEAD_PER_SLOT:
            return False
        return all(out.jobtype in self.estimates.quick for out in entry.out.values())

    def rank_host(self, host: Host) -> None:
        """What its pilots may be given has changed."""
        for entry in host.pilots.values():
            self.rank(entry)

    def try_host(self, host: Host, doubt: Doubt) -> None:
        """One job may go there, to see."""
        doubt.trial = True
        self.rank_host(host)

    # ---- effects

    def apply(self, effect: Effect) -> None:
        """Change the memory as one decided effect says."""
        _APPLY[type(effect)](self, effect)

    def declared(self, effect: TypeDeclared) -> None:
        self.types[effect.spec.name] = effect.spec
        self.queues.sort_by(effect.spec.name, effect.spec.pick)

    def added(self, effect: JobAdded) -> None:
        self.next_id = max(self.next_id, effect.id + 1)
        if effect.state is JobState.DEFINED:
            self.queues.add(Queued(effect.id, effect.job, 0, effect.jobtype, effect.priority, effect.spec))

    def held(self, effect: JobHeld) -> None:
        lifecycle.check_job_move(effect.queued.job, JobState.DEFINED, JobState.HELD)
        self.queues.remove(effect.queued.key, effect.queued.job)

    def released(self, effect: JobReleased) -> None:
        lifecycle.check_job_move(effect.queued.job, JobState.HELD, JobState.DEFINED)
        self.queues.add(effect.queued)

    def made_ready(self, effect: JobReady) -> None:
        lifecycle.check_job_move(effect.queued.job, JobState.WAITING, JobState.DEFINED)
        self.queues.add(effect.queued)

    def adjusted(self, effect: JobAdjusted) -> None:
        if effect.state is JobState.DEFINED:
            jobtype, _, needs, time_limit = effect.queued.key
            self.queues.remove((jobtype, effect.before, needs, time_limit), effect.queued.job)
            self.queues.add(effect.queued)
        elif effect.state is JobState.WAITING:
            flow = self.flows.get(effect.queued.spec.workflow)
            if flow is not None:
                flow.specs[flow.places[effect.queued.job]] = effect.queued

    def job_followed(self, effect: JobFollowed) -> None:
        known = self.out.get(effect.job) or self.queues.find(effect.key, effect.job)
        if known is not None:  # else only the database remembers it
            known.spec.followed = True

    def dispatched(self, effect: JobDispatched) -> None:
        entry, spec = self.pilots[effect.pilot], effect.spec
        self.queues.remove((effect.jobtype, effect.priority, spec.needs, spec.time_limit), effect.job)
        self.queues.serve(effect.jobtype)
        out = Out(
            effect.id,
            effect.job,
            effect.attempt,
            JobState.DISPATCHED,
            effect.jobtype,
            effect.priority,
            spec,
            effect.pilot,
            effect.number,
            retried=effect.retried,
            since=effect.at,
        )
        entry.numbered = effect.number
        host = self.hosts.host(entry.host)
        if host.probed(effect.job, effect.jobtype, effect.at):
            self.rank_host(host)
        self.hold(entry, out)
        self.owed.append(entry.pilot)

    def hold(self, entry: PilotEntry, out: Out) -> None:
        """A pilot has a job: it takes a slot and counts under the cap."""
        entry.take(out)
        self.out[out.job] = out
        self.in_use[out.jobtype] += 1
        self.rank(entry)

    def started(self, effect: JobStarted) -> None:
        out = self.out[effect.job]
        out.state, out.since = JobState.RUNNING, effect.at
        workflow = out.spec.workflow
        if workflow:
            flow = self.flows.get(workflow)
            if flow is None or flow.state is WorkflowState.DEFINED:
                self.begun.add(workflow)

    def returned(self, effect: JobReturned) -> None:
        lifecycle.check_job_move(effect.job, effect.before, JobState.DEFINED)
        out = self.let_go(effect.job)
        assert out is not None
        entry = self.pilots[out.pilot]
        entry.proven = False
        self.hosts.learn(entry.host, out, JobState.DEFINED, effect.failed, effect.report)
        job = out.queued(bool(effect.failed))
        self.queues.add(job)
        if self.kind(job.jobtype).supersedes:
            self.back.append(job)

    def kill_ordered(self, effect: KillOrdered) -> None:
        out = self.out[effect.job]
        out.kill_number = effect.number
        out.cancelled_by = effect.who
        entry = self.pilots[effect.pilot]
        entry.numbered = effect.number
        self.owed.append(entry.pilot)

    def ended(self, effect: JobEnded) -> None:
        lifecycle.check_job_move(effect.job, effect.before, effect.after)
        out = self.let_go(effect.job)
        if out is not None:
            self.learn(out, effect)
        elif effect.key is not None:
            self.queues.remove(effect.key, effect.job)
        if effect.followed or effect.lacking is not None:
            self.followed.append(effect)

    def learn(self, out: Out, effect: JobEnded) -> None:
        """What an end says of the job's type, of the pilot and of its host."""
        entry, report = self.pilots[out.pilot], effect.report
        if effect.after is JobState.FINISHED:
            entry.proven = True
            if report is not None and report.wall_s is not None:
                self.estimates.learn(out.jobtype, report.wall_s)
        elif effect.reason in HOST_AT_FAULT:
            entry.proven = False
        self.hosts.learn(entry.host, out, effect.after, effect.reason, report)

    def let_go(self, job: str) -> Out | None:
        """The slot and the cap are free again."""
        out = self.out.pop(job, None)
        if out is not None:
            entry = self.pilots[out.pilot]
            entry.release(out)
            self.in_use[out.jobtype] -= 1
            self.rank(entry)
        return out

    def pilot_added(self, effect: PilotAdded) -> None:
        entry = PilotEntry(
            effect.pilot,
            effect.host,
            effect.slots,
            PilotState.ACTIVE,
            effect.lease_s,
            effect.token_hash,
            effect.at,
            offer=effect.offer or Offer(effect.site, effect.slots),
        )
        if effect.life_s:
            entry.until = last_moment(effect.at + effect.life_s, effect.life_s)
        self.restore_pilot(entry)

    def pilot_moved(self, effect: PilotMoved) -> None:
        lifecycle.check_pilot_move(effect.pilot, effect.before, effect.after)
        entry = self.pilots[effect.pilot]
        entry.state = effect.after
        self.rank(entry)
        if effect.after in FINAL_PILOT_STATES:
            assert not entry.out, "a pilot ends after its jobs"
            self.close_lane(entry)
            del self.pilots[effect.pilot]
            self.heard.remove(entry)
            self.queues.left(entry.offer)
            del self.hosts.host(entry.host).pilots[effect.pilot]
            self.hosts.forget(entry.host)

    def pilot_instructed(self, effect: PilotInstructed) -> None:
        entry = self.pilots[effect.pilot]
        entry.instruction, entry.instruction_number = effect.instruction, effect.number
        entry.instruction_why = effect.why
        entry.numbered = effect.number
        self.owed.append(entry.pilot)

    def host_doubted(self, effect: HostDoubted) -> None:
        doubt = Doubt(effect.jobtype, effect.why, effect.since, effect.pause_s, effect.probe_at)
        self.rank_host(self.hosts.doubt(effect.host, doubt))

    def host_trusted(self, effect: HostTrusted) -> None:
        host = self.hosts.trust(effect.host, effect.jobtype)
        self.rank_host(host)
        self.hosts.forget(host.name)

    def type_blamed(self, effect: TypeBlamed) -> None:
        self.hosts.blamed.add(effect.jobtype)

    def lane_answered(self, effect: LaneAnswered) -> None:
        self.close_lane(self.pilots[effect.pilot])

    def workflow_moved(self, effect: WorkflowMoved) -> None:
        if effect.before is not effect.after:
            lifecycle.check_workflow_move(effect.workflow, effect.before, effect.after)

    def told(self, effect: Noted | StepEnded | OutputsMade) -> None:
        """For people and the tables; brokerage does not remember it."""


_APPLY: dict[type, Callable[[Book, Any], None]] = {
    TypeDeclared: Book.declared,
    Paused: lambda book, effect: book.pauses.update({effect.jobtype: effect}),
    Resumed: lambda book, effect: book.pauses.__delitem__(effect.jobtype),
    Submitted: lambda book, effect: book.keys.add(effect.key),
    JobAdded: Book.added,
    JobHeld: Book.held,
    JobReleased: Book.released,
    JobReady: Book.made_ready,
    JobAdjusted: Book.adjusted,
    JobFollowed: Book.job_followed,
    JobDispatched: Book.dispatched,
    JobStarted: Book.started,
    JobReturned: Book.returned,
    KillOrdered: Book.kill_ordered,
    JobEnded: Book.ended,
    PilotAdded: Book.pilot_added,
    PilotMoved: Book.pilot_moved,
    PilotInstructed: Book.pilot_instructed,
    HostDoubted: Book.host_doubted,
    HostTrusted: Book.host_trusted,
    TypeBlamed: Book.type_blamed,
    LaneAnswered: Book.lane_answered,
    StepEnded: Book.told,
    OutputsMade: Book.told,
    WorkflowMoved: Book.workflow_moved,
    Noted: Book.told,
}
