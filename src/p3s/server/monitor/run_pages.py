"""Runs and files as shown: results by category, and what became of the data."""

from dataclasses import dataclass
from typing import Any

from p3s.server.data import reads as data
from p3s.server.data import runs
from p3s.server.data.reads import Choice, DatasetRow
from p3s.server.jobs import reads as jobs
from p3s.server.jobs.reads import JobRow
from p3s.server.monitor import commands, cursors
from p3s.server.monitor.layout import MOST_THINGS, categories
from p3s.server.monitor.lines import FileLine, file_lines
from p3s.server.monitor.scales import in_force
from p3s.server.monitor.states import Mark, job_mark, status_mark, workflow_mark, worst_status
from p3s.server.results import reads as results
from p3s.server.results.reads import ResultRow
from p3s.server.workflows import reads as workflows

MOST_RESULTS = 3000
MOST_FILES = 200
MOST_JOBS = 2_000
MOST_MEMBERS = 100
MOST_WRITERS = 5
PAGE = 50


@dataclass(frozen=True, slots=True)
class SubrunTab:
    subrun: int
    mark: Mark
    selected: bool


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file with the jobs that took it."""

    line: FileLine
    jobs: list[tuple[JobRow, Mark]]

    @property
    def more(self) -> int:
        """Jobs of it that are not among `jobs`: those that were purged, too."""
        return max(0, self.line.jobs - len(self.jobs))


def _tabs(rows: list[ResultRow], selected: int | None) -> list[SubrunTab]:
    """The latest subrun first."""
    found: dict[int, list[str]] = {}
    for row in rows:
        if row.subrun is not None:
            found.setdefault(row.subrun, []).append(row.status)
    return [
        SubrunTab(subrun, status_mark(worst_status(statuses)), subrun == selected)
        for subrun, statuses in sorted(found.items(), reverse=True)
    ]


def _data_files(rows: list[DatasetRow]) -> list[DataFile]:
    by_dataset: dict[str | None, list[JobRow]] = {}
    for job in jobs.of_datasets([row.uuid for row in rows], MOST_JOBS):
        by_dataset.setdefault(job.dataset, []).append(job)
    return [
        DataFile(line, [(job, job_mark(job.state)) for job in by_dataset.get(line.row.uuid, [])])
        for line in file_lines(rows)
    ]


def _neighbours(run: int) -> tuple[int | None, int | None]:
    """The next ones below and above, also without a result: why there is none is what one may be looking for."""
    below, above = zip(results.neighbours(run), runs.beside(run), strict=True)
    earlier, later = ([one for one in ones if one is not None] for ones in (below, above))
    return max(earlier, default=None), min(later, default=None)


def one_run(run: int, subrun: int | None) -> dict[str, Any] | None:
    """None where nothing is known of the run. Without `subrun` the latest is shown."""
    rows = results.of_run(run, MOST_RESULTS)
    files = data.of_run(run, MOST_FILES)
    record = runs.find(run)
    if not rows and not files and record is None:
        return None
    known = {row.subrun for row in rows if row.subrun is not None}
    selected = subrun if subrun in known else max(known, default=None)
    # What is about the whole run stays in sight with every subrun.
    shown = [row for row in rows if row.subrun is None or row.subrun == selected]
    found = categories(shown, results.items_within([row.id for row in shown], MOST_THINGS), in_force())
    tabs = _tabs(rows, selected)
    earlier, later = _neighbours(run)
    return {
        "run": run,
        "record": record,
        "earlier": earlier,
        "later": later,
        "mark": status_mark(worst_status([row.status for row in shown])) if shown else None,
        "run_mark": status_mark(worst_status([row.status for row in rows])) if rows else None,
        "tabs": tabs,
        "bad_tabs": [tab for tab in tabs if tab.mark.group == "wrong"],
        "selected": selected,
        "categories": found,
        "files": _data_files(files),
        "files_cut": len(files) == MOST_FILES,
        "results_cut": MOST_RESULTS if len(rows) == MOST_RESULTS else 0,
        "workflows": workflows.any_of_run(run),
        "last": max((row.published_at for row in shown), default=None),
        "commands": commands.ALL,
    }


def one_dataset(row: DatasetRow) -> dict[str, Any]:
    shown = results.of_dataset(row.uuid, MOST_RESULTS)
    found = categories(shown, results.items_within([result.id for result in shown], MOST_THINGS), in_force())
    [file] = _data_files([row])
    members = data.page(Choice(set=row.uuid), MOST_MEMBERS, None) if row.kind == "set" else []
    return {
        "file": file,
        "members": file_lines(members),
        "dataset": row,
        "mark": file.line.mark,
        "status": status_mark(worst_status([result.status for result in shown])) if shown else None,
        "categories": found,
        "events": jobs.events("dataset", row.uuid),
        "workflows": [
            (uuid, name, workflow_mark(state))
            for uuid, name, state in workflows.of_file(row.uuid, data.maker(row.uuid), MOST_WRITERS)
        ],
        "made_by": jobs.writers_of(row.uuid, MOST_WRITERS),
        "commands": commands.ALL,
    }


def dataset_list(before: str, run: int | None) -> dict[str, Any]:
    """Files and sets, newest first. `before`: the cursor of the last one seen; `run`: only files of this one."""
    rows = data.page(Choice(run=run), PAGE + 1, cursors.parse(before))
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return {
        "files": file_lines(rows[:PAGE]),
        "next": cursors.after(last.registered_at, last.uuid) if last else None,
        "before": before,
        "run": run,
        "commands": commands.ALL,
    }
