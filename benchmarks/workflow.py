"""`workflow`: what it takes to make a workflow, and what its jobs cost beside free ones."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import uvloop

from p3s.protocol.messages import JobSpec, Order
from p3s.protocol.workflows import Datum, Node, StartReply, StartRequest, TemplateSpec

from .cpu import cpu_s
from .fleet import LoadPilot, Wire, done
from .rig import Numbers, Server, backend, scratch, server

WIDE = (4, 16)
"""Pilots, and slots of each."""

NARROW = (1, 1)


def chain(count: int) -> TemplateSpec:
    """Each reads what the one before wrote."""
    nodes = {f"n{place}": Node("true", inputs={"IN": [f"n{place - 1}.OUT"]} if place else {}) for place in range(count)}
    return _with_data("chain", nodes)


def fan(count: int) -> TemplateSpec:
    """One, then most, then one that reads what all of them wrote."""
    values = [str(place) for place in range(count - 2)]
    nodes = {
        "first": Node("true"),
        "part": Node("true", inputs={"IN": ["first.OUT"]}, values=values, at_most=count),
        "last": Node("true", inputs={"IN": ["part.OUT"]}),
    }
    return _with_data("fan", nodes, {"part.OUT": Datum("part", "OUT", name="{value}")})


def layers(count: int, wide: int = 64) -> TemplateSpec:
    """Each reads what two of the layer before wrote."""
    nodes = {}
    for place in range(count):
        layer, at = divmod(place, wide)
        before = {(layer - 1) * wide + at, (layer - 1) * wide + (at + 1) % wide} if layer else set()
        nodes[f"n{place}"] = Node("true", inputs={f"IN{one % wide}": [f"n{one}.OUT"] for one in before})
    return _with_data("layers", nodes)


def _with_data(name: str, nodes: dict[str, Node], known: dict[str, Datum] | None = None) -> TemplateSpec:
    data = {f"{node}.OUT": Datum(node, "OUT") for node in nodes}
    return TemplateSpec(name, nodes, {**data, **(known or {})})


SHAPES: dict[str, tuple[Callable[[int], TemplateSpec], tuple[int, int]]] = {
    "chain": (chain, NARROW),
    "fan": (fan, WIDE),
    "layers": (layers, WIDE),
}


def workflow(database: str, count: int) -> Numbers:
    """Of each shape: seconds to make it, CPU of server and database for each of its jobs, and how many times that of as
    many free jobs, run right before by the same pilots."""
    numbers: Numbers = {}
    with (
        scratch() as directory,
        backend(database, directory) as (url, backends),
        server(directory / "server", url) as running,
    ):
        processes = [running.process, *backends]
        for name, (shape, (pilots, slots)) in SHAPES.items():
            fleet = _Fleet(running, pilots, slots)
            _free(running, count)
            before = cpu_s(processes)
            fleet.run(count)
            free_s = cpu_s(processes) - before
            numbers[f"{name}_made_s"] = _started(running, shape(count), directory)
            before = cpu_s(processes)
            fleet.run(count)
            own_s = cpu_s(processes) - before
            states = running.client.summary()["workflows"]
            assert set(states) == {"finished"}, states
            numbers[f"{name}_ms_a_job"] = 1000 * own_s / count
            numbers[f"{name}_ratio"] = own_s / free_s
            fleet.end()
    return numbers


def _free(running: Server, count: int) -> None:
    for at in range(0, count, 1_000):
        running.client.submit([JobSpec("true", replicas=min(1_000, count - at))])


def _started(running: Server, template: TemplateSpec, directory: Any) -> float:
    running.client.put_template(template)
    began = time.perf_counter()
    reply: StartReply = running.client.start_workflow(StartRequest(template.name, directory=f"{directory}/files"))
    assert reply.state == "defined", reply
    return time.perf_counter() - began


class _Fleet:
    """Pilots that say at once that what they were ordered has ended well."""

    def __init__(self, running: Server, pilots: int, slots: int) -> None:
        self.loop = uvloop.new_event_loop()
        self.pilots = self.loop.run_until_complete(self._register(running, pilots, slots))
        self.left = 0

    async def _register(self, running: Server, pilots: int, slots: int) -> list[LoadPilot]:
        place, token = running.client.server, running.token
        wire = await Wire.to(place)
        return [await LoadPilot.register(wire, place, token, slots) for _ in range(pilots)]

    def run(self, count: int) -> None:
        """Until so many jobs have ended."""
        self.left = count
        self.loop.run_until_complete(self._run())

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for pilot in self.pilots:
                group.create_task(self._work(pilot))

    async def _work(self, pilot: LoadPilot) -> None:
        orders: list[Order] = []
        while self.left > 0 or orders:
            ended = len(orders)
            orders = await pilot.exchange(done(orders), 0.2 if self.left > ended else 0.0)
            self.left -= ended

    def end(self) -> None:
        """Say goodbye."""
        for pilot in self.pilots:
            self.loop.run_until_complete(pilot.exchange(goodbye="done"))
        self.loop.close()
