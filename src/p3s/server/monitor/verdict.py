"""What the front page says first: is all well, and if not, what is wrong. Pure; `now` is an argument."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from p3s.server.monitor.states import Group

#: Without a new file for so long, the front page says that it is quiet, seconds.
QUIET_AFTER: Final = 600.0
_WEIGHT: Final[Mapping[Group, int]] = {"wrong": 0, "warning": 1, "left": 2, "busy": 3, "plain": 4, "done": 5}


@dataclass(frozen=True, slots=True)
class LatestRun:
    """A run of the front page with the categories of its worst results."""

    label: str
    url: str
    bad: list[str]
    warning: list[str]


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """`since`: epoch seconds. `kind`: `silence` is that of pilots, of which the pilots tell themselves."""

    kind: str
    message: str
    bad: bool
    since: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What the verdict is given from. Moments are epoch seconds, None where there was none yet."""

    now: float
    pilots: int
    silent: int
    waiting_jobs: int
    last_file: float | None
    last_result: float | None
    failed_files: int
    latest_files: int
    runs: list[LatestRun]
    alarms: list[OpenAlarm] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to know. `detail` says more; `url` leads to it, '' where there is no page."""

    group: Group
    text: str
    detail: str = ""
    url: str = ""
    since: float | None = None


def notices(facts: Facts) -> list[Notice]:
    """The worst first; never empty."""
    found = [*_pilots(facts), *_alarms(facts), *_runs(facts), *_files(facts)]
    return sorted(found, key=lambda notice: _WEIGHT[notice.group]) or [_calm(facts)]


def _plural(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _pilots(facts: Facts) -> list[Notice]:
    if not facts.pilots:
        if not facts.waiting_jobs:
            return []
        waiting = _plural(facts.waiting_jobs, "job waits", "jobs wait")
        text = f"{waiting} and no pilot is there"
        return [Notice("wrong", text, "Nothing runs until one is started.", "#pilots")]
    if facts.silent == facts.pilots:
        who = "The only pilot is" if facts.pilots == 1 else f"All {facts.pilots} pilots are"
        return [Notice("wrong", f"{who} silent", "They may be cut off, or this server is.", "#pilots")]
    if facts.silent:
        text = f"{facts.silent} of {facts.pilots} pilots {'is' if facts.silent == 1 else 'are'} silent"
        return [Notice("warning", text, "Their jobs may be lost; the others go on.", "#pilots")]
    return []


def _alarms(facts: Facts) -> list[Notice]:
    told = [alarm for alarm in facts.alarms if alarm.kind != "silence" or not facts.silent]
    return [Notice("wrong" if alarm.bad else "warning", alarm.message, since=alarm.since) for alarm in told]


def _runs(facts: Facts) -> list[Notice]:
    found = []
    for run in facts.runs:
        if run.bad:
            looks = "looks" if len(run.bad) == 1 else "look"
            found.append(Notice("wrong", f"{run.label}: {_listed(run.bad)} {looks} bad", "", run.url))
        elif run.warning:
            needs = "needs" if len(run.warning) == 1 else "need"
            found.append(Notice("warning", f"{run.label}: {_listed(run.warning)} {needs} a look", "", run.url))
    return found


def _listed(names: list[str]) -> str:
    if len(names) <= 2:
        return " and ".join(names)
    return f"{names[0]} and {len(names) - 1} more"


def _files(facts: Facts) -> list[Notice]:
    if not facts.failed_files:
        return []
    text = f"{facts.failed_files} of the latest {facts.latest_files} files failed"
    return [Notice("wrong", text, "A job went wrong; its page has the log.", "#files")]


def _calm(facts: Facts) -> Notice:
    if facts.last_file is None and facts.last_result is None and not facts.pilots:
        return Notice("plain", "Ready, and empty", "No pilot, no data, no job yet: see below what to do first.")
    if facts.last_file is None and facts.last_result is None:
        return Notice("plain", "Waiting for the first data", "Pilots are there; nothing was registered yet.")
    newest = max(facts.last_file or 0.0, facts.last_result or 0.0)
    if facts.now - newest > QUIET_AFTER:
        return Notice("plain", "Quiet: the last data came", "Nothing looks wrong.", since=newest)
    if facts.now - (facts.last_result or 0.0) > QUIET_AFTER:
        if facts.last_result is None:
            return Notice("plain", "Data flows, no result has come yet", "Nothing looks wrong.")
        return Notice("plain", "Data flows, the last result came", "Nothing looks wrong.", since=facts.last_result)
    if facts.now - (facts.last_file or 0.0) > QUIET_AFTER:
        return Notice("done", "All is well", "Results are fresh, no file came lately, nothing looks wrong.")
    return Notice("done", "All is well", "Data flows, results are fresh, nothing looks wrong.")
