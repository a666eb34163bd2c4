"""`idle`: what waiting pilots cost a server that has nothing for them."""

import asyncio
import random

import uvloop

from .cpu import cpu_s
from .fleet import LoadPilot, Wire
from .rig import Numbers, Server, backend, scratch, server

SECONDS = 60.0
AWAY_S = 0.02
"""A pilot renews within so long after an answer, each after a time of its own: they are on other machines."""

WARM = 20
"""Pilots that wait before memory is first looked at, so that what is loaded once is not theirs."""


def idle(database: str, count: int) -> Numbers:
    """`count` pilots with open order lanes, renewed when the server ends the wait, watched for a minute."""
    with (
        scratch() as directory,
        backend(database, directory) as (url, backends),
        server(directory / "server", url) as running,
    ):

        async def watch() -> Numbers:
            lanes = [asyncio.ensure_future(_wait(one, 0.0)) for one in await _registered(running, WARM)]
            await asyncio.sleep(2.0)
            before = running.process.memory_full_info().uss
            pilots = await _registered(running, count)
            # Evenly over one wait, as a fleet that started at various times renews.
            lanes += [asyncio.ensure_future(_wait(one, one.wait_s * i / count)) for i, one in enumerate(pilots)]
            await asyncio.sleep(pilots[0].wait_s + 2.0)
            began = cpu_s([running.process]), cpu_s(backends)
            await asyncio.sleep(SECONDS)
            spent = cpu_s([running.process]) - began[0], cpu_s(backends) - began[1]
            after = running.process.memory_full_info().uss
            broken = [lane for lane in lanes if lane.done()]
            assert not broken, f"{len(broken)} lanes did not hold: {broken[0]}"
            for lane in lanes:
                lane.cancel()
            return {
                "cpu_pct": 100 * spent[0] / SECONDS,
                "database_cpu_pct": 100 * spent[1] / SECONDS if backends else None,
                "kb_per_pilot": (after - before) / 1024 / count,
                "renewals_per_s": (count + WARM) / pilots[0].wait_s,
            }

        return uvloop.run(watch())


async def _registered(running: Server, count: int) -> list[LoadPilot]:
    wire = await Wire.to(running.client.server)
    pilots = [await LoadPilot.register(wire, running.client.server, running.token, slots=4) for _ in range(count)]
    wire.close()
    return pilots


async def _wait(pilot: LoadPilot, after_s: float) -> None:
    """Keep the order lane open for ever."""
    await asyncio.sleep(after_s)
    while True:
        orders = await pilot.exchange(wait_s=pilot.wait_s)
        assert not orders, "there was nothing to order"
        await asyncio.sleep(random.random() * AWAY_S)
