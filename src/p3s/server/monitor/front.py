"""The front page: is data flowing, are results fresh, which plots look wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

from p3s.server.data import reads as data
from p3s.server.jobs import reads as jobs
from p3s.server.journal import reads as journal
from p3s.server.journal.reads import AlarmRow
from p3s.server.monitor import commands, services
from p3s.server.monitor.lines import FileLine, RunLine, file_lines, run_lines, times_to_plot
from p3s.server.monitor.pilot_pages import PilotLine, pilot_lines
from p3s.server.monitor.states import (
    GROUP_WORDS,
    GROUPS,
    JOB_STATES,
    Group,
    Mark,
    count_groups,
    job_mark,
)
from p3s.server.monitor.verdict import Facts, LatestRun, OpenAlarm, notices
from p3s.server.pilots import reads as pilots
from p3s.server.results import reads as results
from p3s.server.results.reads import ResultRow

T = TypeVar("T")

LATEST_FILES = 12
#: The time from file to plot is the median of so many files that have one.
TIMED_FILES = 12
#: Runs and their states are taken from so many of the latest results.
LATEST_RESULTS = 400
#: Open alarms that are looked at, and notices beside the first that are shown.
MOST_ALARMS = 100
OTHERS = 6
MOST_SAID = 240
HOUR = 3600.0
#: Files of the last hour are counted so far: the page is read again with every change.
MOST_COUNTED = 10_000
#: The verdict looks at so many of the latest runs: older ones are known by now.
RUNS_JUDGED = 2


def _named(line: RunLine, word: str) -> list[str]:
    return [name for name, mark in line.categories if mark.word == word]


class Front:
    """What the parts of the page share is read once a request."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._kept: dict[str, Any] = {}

    def _once(self, name: str, read: Callable[[], T]) -> T:
        if name not in self._kept:
            self._kept[name] = read()
        kept: T = self._kept[name]
        return kept

    def _files(self) -> list[FileLine]:
        return self._once("files", lambda: file_lines(data.arrived(LATEST_FILES)))

    def _results(self) -> list[ResultRow]:
        return self._once("results", lambda: results.latest(LATEST_RESULTS))

    def _runs(self) -> list[RunLine]:
        rows = [line.row for line in self._files()]
        return self._once("runs", lambda: run_lines(self._results(), rows))

    def _pilots(self) -> list[PilotLine]:
        return self._once("pilots", lambda: pilot_lines(pilots.alive(), self.now))

    def _job_states(self) -> dict[str, int]:
        return self._once("jobs", jobs.count_by_state)

    def everything(self) -> dict[str, Any]:
        """What the template shows; its pieces have no name in common."""
        pieces = (self.verdict(), self.tiles(), self.pilots(), self.jobs(), services.block())
        context: dict[str, Any] = {"files": self._files(), "runs": self._runs(), "commands": commands.ALL}
        for piece in pieces:
            context |= piece
        return context

    def verdict(self) -> dict[str, Any]:
        files, lines, states = self._files(), self._pilots(), self._job_states()
        judged = [
            LatestRun(line.label, line.url, _named(line, "bad"), _named(line, "warning"))
            for line in [line for line in self._runs() if line.categories][:RUNS_JUDGED]
        ]
        facts = Facts(
            now=self.now,
            pilots=len(lines),
            silent=sum(line.row.silent_s is not None for line in lines),
            waiting_jobs=states.get("defined", 0),
            last_file=files[0].row.registered_at if files else None,
            last_result=self._once("last", results.last_published),
            failed_files=sum(file.mark.group == "wrong" for file in files),
            latest_files=len(files),
            runs=judged,
            alarms=[_alarm(row) for row in journal.alarms(False, MOST_ALARMS)],
        )
        found = notices(facts)
        shown = found[1 : 1 + OTHERS]
        return {"first": found[0], "others": shown, "others_more": len(found) - 1 - len(shown)}

    def tiles(self) -> dict[str, Any]:
        files, lines, states = self._files(), self._pilots(), self._job_states()
        times = times_to_plot(self._results(), TIMED_FILES)
        groups = count_groups(states)
        return {
            "last_file": files[0].row.registered_at if files else None,
            "most_counted": MOST_COUNTED,
            "files_last_hour": data.count_arrived(self.now - HOUR, MOST_COUNTED),
            "last_result": self._once("last", results.last_published),
            "median_time": median(times) if times else None,
            "slots": sum(line.row.slots for line in lines),
            "out": sum(line.out for line in lines),
            "pilot_words": _pilot_words(lines),
            "running": states.get("running", 0),
            "queued": states.get("defined", 0),
            "wrong": groups["wrong"],
        }

    def pilots(self) -> dict[str, Any]:
        return {"lines": self._pilots()[:20], "more": max(0, len(self._pilots()) - 20)}

    def jobs(self) -> dict[str, Any]:
        states = self._job_states()
        return {"groups": job_groups(states), "total": sum(states.values())}


def _alarm(row: AlarmRow) -> OpenAlarm:
    said = row.message if len(row.message) <= MOST_SAID else row.message[: MOST_SAID - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return OpenAlarm(row.kind, said, row.severity == "bad", row.raised_at)


def _pilot_words(lines: list[PilotLine]) -> list[tuple[int, str, Group]]:
    """How many pilots are idle, running, silent, draining."""
    counts: dict[tuple[str, Group], int] = {}
    for line in lines:
        word = line.mark.word.split(" ")[0].rstrip(",")
        counts[word, line.mark.group] = counts.get((word, line.mark.group), 0) + 1
    return [(count, word, group) for (word, group), count in counts.items()]


@dataclass(frozen=True, slots=True)
class JobGroup:
    """One of the four colours with its states; `share` in percent of all jobs, never 0 where there is one."""

    group: Group
    word: str
    count: int
    share: float
    states: list[tuple[str, Mark, int]]


def job_groups(states: dict[str, int]) -> list[JobGroup]:
    counts = count_groups(states)
    total = sum(counts.values()) or 1
    return [
        JobGroup(
            group=group,
            word=GROUP_WORDS[group],
            count=counts[group],
            share=max(1.5, 100 * counts[group] / total) if counts[group] else 0,
            states=[(s, job_mark(s), states[s]) for s in JOB_STATES if job_mark(s).group == group and states.get(s)],
        )
        for group in GROUPS
    ]
