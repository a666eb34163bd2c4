"""Pilots as shown: lists, and one pilot with its jobs."""

from dataclasses import dataclass
from typing import Any

from p3s.server.jobs import reads as jobs
from p3s.server.monitor import commands
from p3s.server.monitor.states import Mark, job_mark, pilot_mark
from p3s.server.pilots import reads as pilots
from p3s.server.pilots.reads import PilotRow


@dataclass(frozen=True, slots=True)
class PilotLine:
    row: PilotRow
    mark: Mark
    out: int


def pilot_lines(rows: list[PilotRow], now: float) -> list[PilotLine]:
    out = jobs.out_by_pilot()
    return [PilotLine(row, pilot_mark(row, out.get(row.uuid, 0), now), out.get(row.uuid, 0)) for row in rows]


def pilot_list(now: float) -> dict[str, Any]:
    lines = pilot_lines([*pilots.alive(), *pilots.ended()], now)
    return {
        "alive": [line for line in lines if line.row.state in pilots.ALIVE],
        "ended": [line for line in lines if line.row.state not in pilots.ALIVE],
        "commands": commands.ALL,
    }


def one_pilot(row: PilotRow, now: float) -> dict[str, Any]:
    held = jobs.held_by_pilot(row.uuid)
    return {
        "pilot": row,
        "mark": pilot_mark(row, len(held), now),
        "held": [(job, job_mark(job.state)) for job in held],
        "ended": [(job, job_mark(job.state, job.reason)) for job in jobs.ended_on_pilot(row.uuid)],
        "events": jobs.events("pilot", row.uuid),
    }
