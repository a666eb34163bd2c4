"""One picture of `p3s top`: what a look at the server found, as lines and tables for a terminal of any size."""

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from p3s.protocol.acts import ALL_TYPES
from p3s.protocol.states import FINAL_JOB_STATES, JobState
from p3s.protocol.views import Alarm, JobRow, JobType, Summary

from . import show

HEAD_LINES = 8
"""Lines above the tables, their titles and the blank lines between them."""

ROOM_FOR_UUIDS = 80
ROOM_FOR_HOSTS = 100
"""Columns of the terminal from which on they are shown."""

UUID_LENGTH = 36

BUSY = ("running", "dispatched")
WAITING = ("defined", "waiting", "held")
STYLES = {"finished": "green", "failed": "red", "lost": "red", "running": "blue", "dispatched": "blue"}


@dataclass(frozen=True)
class Look:
    """What was found at a moment (`at`, epoch seconds by this machine's clock), and how fast jobs came and ended."""

    server: str
    at: float
    summary: Summary
    jobtypes: list[JobType]
    jobs: list[JobRow]
    alarms: list[Alarm]
    rates: dict[str, float] | None = None
    follows: bool = True
    """More looks come after this one."""

    @property
    def off_s(self) -> float:
        """By how much the server's clock is ahead of this machine's."""
        return float(self.summary["now"]) - self.at


class Rates:
    """Jobs that came and that ended, per second over the last minute, from counts by state."""

    WINDOW_S = 60.0

    def __init__(self) -> None:
        self._seen: list[tuple[float, int, int]] = []

    def add(self, now: float, states: dict[str, int]) -> dict[str, float] | None:
        """The rates at `now`, or None when it is the first look."""
        ended = sum(count for state, count in states.items() if state in set(FINAL_JOB_STATES))
        self._seen = [one for one in self._seen if now - self.WINDOW_S <= one[0] < now]
        self._seen.append((now, sum(states.values()), ended))
        first, last = self._seen[0], self._seen[-1]
        over_s = last[0] - first[0]
        if over_s <= 0:
            return None
        came, went = max(0, last[1] - first[1]), max(0, last[2] - first[2])  # a purge takes some away
        return {"submitted_per_s": came / over_s, "ended_per_s": went / over_s, "over_s": over_s}


def frame(look: Look, now: float, trouble: str = "", width: int = ROOM_FOR_UUIDS, height: int = 24) -> RenderableType:
    """The picture at `now` in `width` columns and `height` lines. `trouble`: why no newer look could be had."""
    stopped = [one for one in look.summary["paused"] if one["jobtype"] == ALL_TYPES]
    everywhere = {one["said"] for one in stopped}
    types: list[JobType] = [
        {**one, "paused": "" if one["paused"] in everywhere else one["paused"]} for one in look.jobtypes
    ]
    types = [one for one in types if one["out"] or one["waiting"] or one["paused"]]
    types.sort(key=lambda one: (-one["out"], -one["waiting"], one["name"]))
    room = max(0, height - HEAD_LINES - len(look.alarms[:4]) - len(stopped))
    for_types = min(len(types), max(3, room // 3))
    parts: list[RenderableType] = [_title(look, now, trouble), *_counts(look, now), *_alarms(look, now)]
    parts += [_line(("PAUSED   ", "bold red"), show.plain(one["said"])) for one in stopped]
    if types:
        parts += [Text(""), _types(types[:for_types], len(types) - for_types)]
        room -= for_types + 2
    if look.jobs:
        parts += [Text(""), _jobs(look.jobs[: max(room, 1)], now + look.off_s, width)]
    else:
        parts += [Text(""), Text("no jobs yet; submit one: p3s job submit -- /bin/echo hello")]
    return Group(*parts)


def _line(*pieces: str | tuple[str, str]) -> Text:
    line = Text.assemble(*pieces)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _title(look: Look, now: float, trouble: str) -> Text:
    if trouble:
        said = f"  NO ANSWER for {show.length(max(0.0, now - look.at))}: {show.plain(trouble)}"
        return _line(("p3s top  ", "bold"), show.plain(look.server), (said, "bold red"))
    return _line(("p3s top  ", "bold"), show.plain(look.server), ("  q leaves" if look.follows else "", "dim"))


def _counts(look: Look, now: float) -> Iterable[Text]:
    found = look.summary
    use = (f"slots {found['slots_in_use']}/{found['slots']} in use", "")
    yield _line(("pilots   ", "bold"), *_states(found["pilots"], found["pilots"], "none"), "  ", use)
    jobs = found["jobs"]
    yield _line(("jobs     ", "bold"), *_states(jobs, (*BUSY, *WAITING), "nothing to do"))
    yield _line(("ended    ", "bold"), *_states(jobs, [s for s in JobState if s in FINAL_JOB_STATES], "none"))
    if look.follows:
        yield _line(("rates    ", "bold"), _rate_words(look.rates))
    age = found["newest_result_age_s"]
    newest = "" if age is None else f", the newest {show.length(age + max(0.0, now - look.at))} old"
    yield _line(("results  ", "bold"), f"{found['results']}{newest}; {found['datasets']} datasets")


def _states(counts: dict[str, int], states: Iterable[str], none: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for state in states:
        if counts.get(state):
            found += [(", " if found else "", ""), (f"{counts[state]} {state}", STYLES.get(state, ""))]
    return found or [(none, "")]


def _rate_words(rates: dict[str, float] | None) -> str:
    if rates is None:
        return "being measured"
    over = show.length(rates["over_s"])
    return f"{rates['submitted_per_s']:.3g}/s submitted, {rates['ended_per_s']:.3g}/s ended, over {over}"


def _alarms(look: Look, now: float) -> Iterable[Text]:
    for one in look.alarms[:3]:
        age = show.age(one["raised_at"], now + look.off_s)
        yield _line(("ALARM    ", "bold red"), show.plain(one["message"]), f" ({one['severity']}, {age})")
    if len(look.alarms) > 3:
        yield _line(("         ", ""), f"and {len(look.alarms) - 3} more: p3s alarm list")


def _types(types: list[JobType], more: int) -> Table:
    table = _table("job type", "waiting", "out", "cap", "priority", "")
    table.columns[0].min_width = min(20, max(len(one["name"]) for one in types))
    for column in table.columns[1:5]:
        column.justify = "right"
        column.min_width = len(str(column.header))
    for one in types:
        cap = "" if one["cap"] is None else str(one["cap"])
        name = one["name"] if one is not types[-1] or not more else f"{one['name']} (and {more} more types)"
        table.add_row(_text(name), str(one["waiting"]), str(one["out"]), cap, str(one["priority"]), _braked(one))
    return table


def _braked(one: JobType) -> Text:
    if one["paused"]:
        return Text(show.plain(str(one["paused"])), style="bold red")
    return Text("cap 0: nothing is handed out", style="red") if one["cap"] == 0 else Text("")


def _jobs(jobs: list[JobRow], now: float, width: int) -> Table:
    """The UUIDs are whole, to be copied, where there is room for them; their beginnings tell nothing apart."""
    titles = ["job"] if width >= ROOM_FOR_UUIDS else []
    titles += ["type", "state", "age"] + (["host"] if width >= ROOM_FOR_HOSTS else []) + ["name"]
    table = _table(*titles)
    for column in table.columns:
        column.min_width = {"job": UUID_LENGTH, "age": 6}.get(str(column.header))
    for one in jobs:
        state = one["state"] + (f": {one['reason']}" if one["reason"] else "")
        moment = one["ended_at"] or one["started_at"] or one["submitted_at"]
        cells = {
            "job": Text(one["uuid"]),
            "type": _text(one["jobtype"]),
            "state": Text(show.plain(state), style=STYLES.get(one["state"], "")),
            "age": Text(show.length(round(max(0.0, now - moment)))),
            "host": _text(one["host"]),
            "name": _text(one["name"]),
        }
        table.add_row(*(cells[title] for title in titles))
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for title in titles:
        table.add_column(title, no_wrap=True, overflow="ellipsis")
    return table


def _text(value: str) -> Text:
    return Text(show.plain(value).replace("\n", " "))
