"""Coverage: what became of every file that a stream has seen, by its jobs or its workflow, counted by the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from p3s.domain.data.coverage import IN_PROGRESS, as_of_job, ranked, spoken, word_of
from p3s.protocol.states import FINAL_JOB_STATES, FINAL_WORKFLOW_STATES, Fate, JobState, WorkflowState
from p3s.server.data.models import Run
from p3s.server.jobs.waiting import _rows

MOST_REASONS = 20
"""Reasons of a row that are told apart, the most frequent; what others there are is `other`."""


@dataclass(slots=True)
class CoverageRow:
    """`protocol.streams.CoverageRow`."""

    stream: str
    run: int | None
    files: int = 0
    taken: int = 0
    sampled_out: int = 0
    ignored: dict[str, int] = field(default_factory=dict)
    processed: int = 0
    in_progress: int = 0
    failed: int = 0
    lost: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    cancelled: int = 0
    skipped: int = 0
    unknown: int = 0
    manual: int = 0
    last_at: float = 0.0


def page(stream: str, limit: int, before: int | None) -> tuple[list[CoverageRow], str | None]:
    """Of `limit` runs below the number `before`, the newest first, in every stream or in one; and where to go on. Files
    without a run stand on the last page."""
    runs = Run.objects.order_by("-number").values_list("number", flat=True)
    numbers = list((runs if before is None else runs.filter(number__lt=before))[: limit + 1])
    rows = of_runs(numbers[:limit], stream)
    if len(numbers) > limit:
        return rows, str(numbers[limit - 1])
    return [*rows, *of_runs([None], stream)], None


def of_runs(runs: Sequence[int | None], stream: str = "") -> list[CoverageRow]:
    """The newest run first, a run's streams by name; None stands for files without a run, and stands alone."""
    if not runs:
        return []
    where, values = _where(runs, stream)
    rows: dict[tuple[int | None, str], CoverageRow] = {}
    for name, run, fate, reason, count, manual, last_at in _rows(_FATES.format(where=where), values):
        row = rows.setdefault((run, name), CoverageRow(name, run))
        row.files += count
        row.manual += manual
        row.last_at = max(row.last_at, last_at)
        if fate == Fate.IGNORED:
            row.ignored[reason] = row.ignored.get(reason, 0) + count
        elif fate == Fate.SAMPLED_OUT:
            row.sampled_out += count
        else:
            row.taken += count
    for name, run, outcome, count in _rows(_OUTCOMES.format(where=where), values * 4):
        _count(rows[run, name], spoken(outcome), count)
    for row in rows.values():
        row.ignored = _most_frequent(row.ignored)
        row.unknown = row.taken - _known(row)
    return sorted(rows.values(), key=lambda row: (-(row.run or 0), row.stream))


def _where(runs: Sequence[int | None], stream: str) -> tuple[str, list[Any]]:
    marks = ", ".join(["%s"] * len(runs))
    where, values = ("arrival.run IS NULL", []) if runs == [None] else (f"arrival.run IN ({marks})", list(runs))
    return (f"{where} AND arrival.stream_id = %s", [*values, stream]) if stream else (where, values)


def _count(row: CoverageRow, outcome: str, count: int) -> None:
    word, _, reason = outcome.partition(": ")
    if word == "dropped":
        row.dropped[reason] = row.dropped.get(reason, 0) + count
    else:
        name = word.replace(" ", "_")
        setattr(row, name, getattr(row, name) + count)


def _known(row: CoverageRow) -> int:
    plain = (row.processed, row.in_progress, row.failed, row.lost, row.cancelled, row.skipped)
    return sum(plain) + sum(row.dropped.values())


def _most_frequent(reasons: dict[str, int]) -> dict[str, int]:
    ordered = sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    found = dict(ordered[:MOST_REASONS])
    rest = sum(count for _, count in ordered[MOST_REASONS:])
    return {**found, "other": found.get("other", 0) + rest} if rest else found


# ---- what the database counts

_FATES = """
SELECT arrival.stream_id, arrival.run, arrival.fate, CASE WHEN arrival.fate = 'ignored' THEN arrival.reason ELSE '' END,
  COUNT(*), SUM(CASE WHEN arrival.manual THEN 1 ELSE 0 END), MAX(arrival.at)
FROM data_arrival arrival WHERE {where} GROUP BY 1, 2, 3, 4
"""


def _case(state: str, reason: str) -> str:
    """SQL: what a job makes of its file, ranked."""
    whens = []
    for one in sorted(FINAL_JOB_STATES):
        rank = f"'{ranked(word_of(one))}'"
        whens.append(f"WHEN '{one.value}' THEN {f'{rank} || {reason}' if one is JobState.DROPPED else rank}")
    return f"CASE {state} {' '.join(whens)} ELSE '{ranked(IN_PROGRESS)}' END"


def _case_of_workflow() -> str:
    """SQL: what a workflow makes of its file, ranked; `domain.data.coverage.word_of_workflow`."""
    of_jobs = f"""(
      SELECT MIN({_case("node.state", "node.reason")}) FROM jobs_job node
      WHERE node.workflow = flow.uuid AND node.state || '' <> '{JobState.FINISHED.value}'
    )"""
    whens = []
    for one in sorted(FINAL_WORKFLOW_STATES):
        rank = f"'{ranked(word_of(as_of_job(one)))}'"
        whens.append(
            f"WHEN '{one.value}' THEN {f'COALESCE({of_jobs}, {rank})' if one is WorkflowState.FAILED else rank}"
        )
    return f"CASE flow.state {' '.join(whens)} ELSE '{ranked(IN_PROGRESS)}' END"


_OUTCOMES = f"""
SELECT stream_id, run, outcome, COUNT(*) FROM (
  SELECT id, stream_id, run, MIN(outcome) AS outcome FROM (
    SELECT arrival.id, arrival.stream_id, arrival.run, {_case("job.state", "job.reason")} AS outcome
    FROM data_arrival arrival
    JOIN jobs_job job ON job.dataset_id = arrival.dataset_id AND job.stream_id = arrival.stream_id
    WHERE arrival.fate = 'taken' AND {{where}} AND job.workflow IS NULL
      AND NOT EXISTS (SELECT 1 FROM jobs_job later WHERE later.rerun_of = job.uuid)
      AND NOT EXISTS (
        SELECT 1 FROM data_outcome gone
        WHERE gone.arrival_id = arrival.id AND gone.jobtype = job.jobtype AND gone.job > job.id
      )
    UNION ALL
    SELECT arrival.id, arrival.stream_id, arrival.run, gone.word AS outcome
    FROM data_arrival arrival JOIN data_outcome gone ON gone.arrival_id = arrival.id
    WHERE arrival.fate = 'taken' AND {{where}}
      AND NOT EXISTS (
        SELECT 1 FROM jobs_job later
        WHERE later.dataset_id = arrival.dataset_id AND later.stream_id = arrival.stream_id
          AND later.jobtype = gone.jobtype AND later.id + 0 > gone.job
      )
    UNION ALL
    SELECT arrival.id, arrival.stream_id, arrival.run, {_case_of_workflow()} AS outcome
    FROM data_arrival arrival
    JOIN workflows_workflow flow ON flow.dataset_id = arrival.dataset_id AND flow.stream_id = arrival.stream_id
    WHERE arrival.fate = 'taken' AND {{where}}
      AND NOT EXISTS (
        SELECT 1 FROM workflows_workflow later
        WHERE later.dataset_id = flow.dataset_id AND later.stream_id = flow.stream_id AND (
          later.created_at > flow.created_at OR later.created_at = flow.created_at AND later.uuid < flow.uuid)
      )
    UNION ALL
    SELECT arrival.id, arrival.stream_id, arrival.run, arrival.purged AS outcome
    FROM data_arrival arrival WHERE arrival.fate = 'taken' AND arrival.purged > '' AND {{where}}
  ) AS jobs GROUP BY id, stream_id, run
) AS files GROUP BY stream_id, run, outcome
"""
