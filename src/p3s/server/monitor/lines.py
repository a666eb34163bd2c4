"""Lines of lists that pages share: a file with its state and how long its first plot took, a run with its worst."""

from dataclasses import dataclass

from django.urls import reverse

from p3s.protocol.patterns import natural
from p3s.server.data import reads as data
from p3s.server.data.reads import DatasetRow
from p3s.server.jobs import reads as jobs
from p3s.server.monitor.states import Mark, dataset_mark, status_mark, worst_status
from p3s.server.results import reads as results
from p3s.server.results.reads import ResultRow
from p3s.server.workflows import started

LATEST_RUNS = 8
#: Of one run; its page has all.
MOST_CATEGORIES = 12


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file of the list. `took`: seconds from its arrival to its first plot; `share`: of the slowest, percent."""

    row: DatasetRow
    mark: Mark
    took: float | None
    share: int
    #: How many were made of it.
    jobs: int


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run, or a file without one, with its worst status by category."""

    label: str
    url: str
    mark: Mark
    categories: list[tuple[str, Mark]]
    at: float

    @property
    def shown(self) -> list[tuple[str, Mark]]:
        """The worst of its categories."""
        return self.categories[:MOST_CATEGORIES]

    @property
    def more(self) -> int:
        """Categories that are not shown."""
        return len(self.categories) - len(self.shown)


def file_lines(rows: list[DatasetRow]) -> list[FileLine]:
    uuids = [row.uuid for row in rows]
    states = jobs.states_by_dataset(uuids)
    flows = started.words_of(uuids)
    loose = [uuid for uuid in uuids if not (states.get(uuid) or flows.get(uuid))]
    of_workflows = data.made_by_workflows(loose) if loose else set()
    first = results.first_published(uuids)
    took = {row.uuid: max(0.0, first[row.uuid] - row.registered_at) for row in rows if row.uuid in first}
    slowest = max(took.values(), default=0.0) or 1.0
    return [
        FileLine(
            row=row,
            mark=dataset_mark(row, states.get(row.uuid, {}), flows.get(row.uuid, ()), row.uuid in of_workflows),
            took=took.get(row.uuid),
            share=max(3, round(100 * took.get(row.uuid, 0.0) / slowest)),
            jobs=sum(states.get(row.uuid, {}).values()),
        )
        for row in rows
    ]


def times_to_plot(rows: list[ResultRow], limit: int) -> list[float]:
    """Seconds from the arrival of a file to its first plot, of the files that the latest results are of: those that
    came last may have none yet."""
    files = list(dict.fromkeys(row.dataset for row in rows if row.dataset is not None))[:limit]
    first = results.first_published(files)
    return [max(0.0, first[uuid] - at) for uuid, at in data.registered(first).items()]


#: A run by its number, or a file or job that has none.
About = tuple[str, int | str]


def _about(row: ResultRow) -> About:
    if row.run is not None:
        return ("run", row.run)
    return ("dataset", row.dataset) if row.dataset is not None else ("job", row.job)


def _label(about: About, rows: list[ResultRow]) -> str:
    kind, name = about
    if kind == "run":
        return f"Run {name}"
    return f"file {rows[0].dataset_name}" if kind == "dataset" else f"job {str(name)[-8:]}"


def run_lines(rows: list[ResultRow], files: list[DatasetRow]) -> list[RunLine]:
    """The latest runs by their newest result or file, the newest first."""
    found: dict[About, list[ResultRow]] = {}
    newest: dict[About, float] = {}
    for row in rows:
        about = _about(row)
        found.setdefault(about, []).append(row)
        newest[about] = max(newest.get(about, 0.0), row.published_at)
    for file in files:
        if file.run is not None:
            newest["run", file.run] = max(newest.get(("run", file.run), 0.0), file.registered_at)
    order = sorted(newest, key=lambda about: -newest[about])[:LATEST_RUNS]
    return [_run_line(about, found.get(about, []), newest[about]) for about in order]


def _run_line(about: About, rows: list[ResultRow], at: float) -> RunLine:
    by_category: dict[str, list[str]] = {}
    for row in rows:
        by_category.setdefault(row.category, []).append(row.status)
    judged = [(name, status_mark(worst_status(found))) for name, found in by_category.items()]
    return RunLine(
        label=_label(about, rows),
        url=reverse(f"monitor:{about[0]}", args=[about[1]]),
        mark=status_mark(worst_status([row.status for row in rows])) if rows else Mark("plain", "no result yet"),
        categories=sorted(judged, key=_worst_first),
        at=at,
    )


def _worst_first(judged: tuple[str, Mark]) -> tuple[bool, bool, list[tuple[int, int, str]]]:
    name, mark = judged
    return mark.group != "wrong", mark.group != "warning", natural(name)
