"""The pilot's shell: one loop that asks the machine what to do, does it, and tells the machine what came of it."""

import os
import pkgutil
import selectors
import signal
import sys
import threading
import time
from collections import deque
from functools import partial
from pathlib import Path
from typing import Any, Callable, Optional

from p3s.protocol.messages import ExchangeReply, Order
from p3s.transport.http import Connection

from . import processes
from .actions import Action, Call, Ended, Finish, Kill, OpenLane, Start
from .berth import Berths
from .delivery import Undelivered, deliver
from .lanes import Lane
from .machine import Machine
from .orphans import bury, children
from .runner import CLIENTS, NonStarter, Place, Running

CLASSIC_CLIENTS = ("monrun.py", "evdisp.py", "evdisp2.py", "purity.py", "service.py", "summary.py")

SLACK_S = 15.0
"""Beyond its wait, an exchange that is not answered within this is given up."""


def clock() -> float:
    """Seconds on a clock that goes on while the machine is suspended: a lease must not outlive a nap."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def say(text: str) -> None:
    """One line to the pilot's own log."""
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} p3s pilot: {text}", file=sys.stderr, flush=True)


class Agent:
    """Serves one registration, from `run` to its Finish action."""

    def __init__(self, machine: Machine, place: Place, berths: Berths, token: str) -> None:
        self.machine = machine
        self.place = place
        self.berths = berths
        self.running: dict[tuple[str, int], Running] = {}
        self.finish: Optional[Finish] = None
        self._events: deque[Callable[[], None]] = deque()
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._woken)
        self._lane = self._new_lane(token)
        self._calls = self._new_lane(token)
        self._failing = ""
        #: Children of this process that are no payloads: the guardian.
        self._kin = children()

    def _new_lane(self, token: str) -> Lane:
        connection = Connection(self.place.server, token)
        return Lane(connection, self.place.pilot, clock, self.tell, self._watch, self._forget, SLACK_S)

    def _watch(self, lane: Lane) -> None:
        self._selector.register(lane.connection.fileno(), selectors.EVENT_READ, lane.ready)

    def _forget(self, lane: Lane) -> None:
        self._selector.unregister(lane.connection.fileno())

    def tell(self, event: "Callable[[], None]") -> None:
        """Run something in the loop; from any thread."""
        self._events.append(event)
        try:
            os.write(self._wake_write, b"x")
        except OSError:
            pass  # it is being woken already, or it has ended

    def run(self) -> Finish:
        """Until the machine is over."""
        self._perform(self.machine.begin(clock()))
        while self.finish is None:
            wake_at = min(self.machine.wake_at(), self._lane.until, self._calls.until)
            timeout = None if wake_at == float("inf") else max(0.0, wake_at - clock())
            self._step(self._selector.select(timeout))
        self._lane.end()
        self._calls.end()
        self._selector.close()
        os.close(self._wake_read)
        return self.finish

    def ask_to_end(self, why: str, hard: bool) -> None:
        """From a signal handler or another thread."""
        self.tell(lambda: self._perform(self.machine.ask_to_end(why, clock(), hard)))

    def _step(self, ready: "list[tuple[selectors.SelectorKey, int]]") -> None:
        for key, _ in ready:
            key.data()
        while self._events:
            self._events.popleft()()
        now = clock()
        for lane in (self._lane, self._calls):
            if lane.until <= now:
                lane.late()
        if self.machine.wake_at() <= now:
            self._perform(self.machine.tick(now))

    def _woken(self) -> None:
        os.read(self._wake_read, 65_536)

    # ---- actions

    def _perform(self, actions: "list[Action]") -> None:
        for action in actions:
            _DO[type(action)](self, action)

    def _open_lane(self, action: OpenLane) -> None:
        self._lane.send(action.request, self._lane_answered, self._lane_failed)

    def _call(self, action: Call) -> None:
        self._calls.send(action.request, self._call_answered, self._call_failed)

    def _start(self, action: Start) -> None:
        order = action.order
        try:
            berth = self.berths.take()
        except OSError as error:  # a full disk, mostly: nothing was started
            self._not_started(order, f"on this node: {error}")
            return
        running = Running(self.place, order, berth)
        try:
            running.start()
        except NonStarter as error:
            self.berths.give_back(berth)
            self._not_started(order, str(error))
            return
        self.running[order.job, order.attempt] = running
        self._selector.register(running.pidfd, selectors.EVENT_READ, partial(self._reaped, running))
        self._perform(self.machine.child_started(order.job, order.attempt, clock()))

    def _not_started(self, order: Order, why: str) -> None:
        ended = Ended(ended_at=clock(), reason="nonstarter", detail=why)
        self._perform(self.machine.child_ended(order.job, order.attempt, ended, clock()))

    def _kill(self, action: Kill) -> None:
        running = self.running.get((action.job, action.attempt))
        if running is not None:
            running.signal(action.signal)

    def _finish(self, action: Finish) -> None:
        self.finish = action

    # ---- what comes back

    def _lane_answered(self, reply: ExchangeReply, sent_at: float) -> None:
        self._recovered()
        self._perform(self.machine.lane_answered(reply, sent_at, clock()))

    def _lane_failed(self, kind: str, why: str) -> None:
        self._complain(kind, why)
        self._perform(self.machine.lane_failed(kind, clock()))

    def _call_answered(self, reply: ExchangeReply, sent_at: float) -> None:
        for verdict in reply.verdicts:
            if verdict.verdict == "refused":
                say(f"report of {verdict.job} attempt {verdict.attempt} refused: {verdict.why}")
        self._perform(self.machine.call_answered(reply, sent_at, clock()))

    def _call_failed(self, kind: str, why: str) -> None:
        self._complain(kind, why)
        self._perform(self.machine.call_failed(kind, clock()))

    def _complain(self, kind: str, why: str) -> None:
        """Once per trouble, not once per try."""
        if kind != "conflict" and why != self._failing:
            self._failing = why
            say(f"{why}; what runs goes on, asking again")

    def _recovered(self) -> None:
        if self._failing:
            self._failing = ""
            say("the server is back")

    def _reaped(self, running: Running) -> None:
        """A process ended: what it left is delivered, in a thread if that takes the network."""
        self._selector.unregister(running.pidfd)
        code, cpu_s, peak = running.reap()
        now = clock()
        child = self.machine.children[running.order.job, running.order.attempt]
        orphans = self._orphans()
        if child.ending or orphans:  # what it started in a session apart may still be there
            running.signal(signal.SIGKILL)
        if not self._payloads():  # so nobody else's, also of one that cleared its environment
            processes.send(orphans, signal.SIGKILL)
        ended = {
            "exit_code": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
            "ended_at": now,
            "wall_s": round(now - (child.started_at or now), 6),
            "cpu_s": round(cpu_s, 6),
            "peak_memory": peak,
        }
        if running.berth.has_results() or running.long_logs():
            threading.Thread(target=self._deliver, args=(running, ended), daemon=True).start()
        else:
            self._settle(running, ended)

    def _orphans(self) -> "set[int]":
        """What payloads left behind that is still alive: those that ended, or those that go on."""
        return bury(children() - self._payloads() - self._kin)

    def _payloads(self) -> "set[int]":
        return {running.pid for running in self.running.values() if running.code is None}

    def _deliver(self, running: Running, ended: "dict[str, Any]") -> None:
        until = time.monotonic() + self.machine.lease_s
        try:
            deliver(running, lambda: until)
        except Undelivered as error:
            ended.update(reason="stage-out", detail=str(error))
        except Exception as error:  # noqa: BLE001 - boundary: whatever its results are like, the job has ended
            ended.update(reason="stage-out", detail=f"on this node: {type(error).__name__}: {error}")
        self.tell(lambda: self._settle(running, ended))

    def _settle(self, running: Running, ended: "dict[str, Any]") -> None:
        key = (running.order.job, running.order.attempt)
        del self.running[key]
        stdout, stderr = running.tails()
        actions = self.machine.child_ended(*key, Ended(stdout=stdout, stderr=stderr, **ended), clock())
        self.berths.give_back(running.berth)  # before what comes next needs one
        self._perform(actions)


_DO: "dict[type, Callable[[Agent, Any], None]]" = {
    OpenLane: Agent._open_lane,
    Call: Agent._call,
    Start: Agent._start,
    Kill: Agent._kill,
    Finish: Agent._finish,
}


def unpack_tools(directory: Path) -> Path:
    """What payloads find on their path, out of the one file into a directory of the pilot's; below it, as
    `clients`, the clients of 2018 that payloads call."""
    tools = directory / "tools"
    tools.mkdir()
    for name in ("p3s_result.py", "p3s_publish.py", "p3s_inputs.py"):
        _unpack(name, tools / name, 0o644)
    for name in ("p3s-publish", "p3s-inputs"):
        _unpack("p3s-publish", tools / name, 0o755)
    unpack_clients(tools / CLIENTS)
    return tools


def unpack_clients(directory: Path) -> None:
    """The clients of 2018 that payloads call, and the program behind them."""
    directory.mkdir(exist_ok=True)
    _unpack("p3s_classic.py", directory / "p3s_classic.py", 0o644)
    for name in CLASSIC_CLIENTS:
        _unpack("classic-client", directory / name, 0o755)


def _unpack(name: str, path: Path, mode: int) -> None:
    data = pkgutil.get_data("p3s.pilot", f"payload/{name}")
    assert data is not None
    path.write_bytes(data)
    path.chmod(mode)


def end_on_signals(agent_of: "Callable[[], Optional[Agent]]", give_up: "Callable[[], None]") -> None:
    """Ctrl-C drains, again or SIGTERM ends what runs; without an agent the pilot just leaves."""
    asked: list[int] = []

    def handle(number: int, frame: Any) -> None:  # noqa: ARG001
        agent = agent_of()
        if agent is None:
            for one in (signal.SIGTERM, signal.SIGINT):
                signal.signal(one, signal.SIG_IGN)
            give_up()
            return
        hard = number == signal.SIGTERM or bool(asked)
        asked.append(number)
        say("ending now, with what runs" if hard else "ending after what runs; once more to end at once")
        agent.ask_to_end(signal.Signals(number).name, hard)

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
