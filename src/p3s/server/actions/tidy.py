"""A file of a workflow is deleted because its `keep` ran out: what is written down before and after.

`upkeep.tidy` deletes it, outside of the writer's thread: `claim` before, so that nothing is started of it meanwhile,
`give_back` if it could not be.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from p3s.domain.effects import SYSTEM, Noted
from p3s.protocol.states import DatasetState
from p3s.server.data.models import Dataset, Member
from p3s.server.jobs.models import Use
from p3s.server.workflows.keeping import MARK, open_uses
from p3s.server.workflows.models import Workflow

from .work import Work

PORTION = 20
"""So many files are claimed in one transaction."""


def claim(work: Work, *, files: Mapping[str, str]) -> list[str]:
    """Those of these files (dataset: why) that nobody has begun to use since they were looked at: they are dropped."""
    work.flush()
    busy = set(open_uses(list(files)))
    busy |= set(Member.objects.filter(dataset__in=list(files)).values_list("dataset", flat=True))
    rows = Dataset.objects.filter(uuid__in=files.keys() - busy, state=str(DatasetState.AVAILABLE))
    found = []
    for row in rows:
        row.state, row.metadata = str(DatasetState.DROPPED), {**row.metadata, MARK: files[row.uuid]}
        row.save(update_fields=["state", "metadata"])
        work.desk.do([Noted("dataset", row.uuid, "dropped", SYSTEM, files[row.uuid], work.now)])
        found.append(row.uuid)
    if found:
        work.topics.add("datasets")
    return found


def give_back(work: Work, *, dataset: str, why: str) -> None:
    """It was claimed, and it is still there."""
    work.flush()
    row = Dataset.objects.filter(uuid=dataset, state=str(DatasetState.DROPPED)).first()
    if row is not None and row.metadata.pop(MARK, None):
        row.state = str(DatasetState.AVAILABLE)
        row.save(update_fields=["state", "metadata"])
        work.desk.do([Noted("dataset", dataset, "kept", SYSTEM, why, work.now)])
        work.topics.add("datasets")


def settle(work: Work, *, workflow: str, keep: float | None, stay: Sequence[tuple[str, str]], why: str = "") -> None:
    """When the next of its files is due. `stay`: files (dataset, why) that are not looked at again; `why`: all of
    them."""
    work.flush()
    Workflow.objects.filter(uuid=workflow).update(keep=keep)
    noted = [
        Noted("dataset", dataset, "kept", SYSTEM, f"its keep ran out, but {one}", work.now) for dataset, one in stay
    ]
    if why:
        noted.append(Noted("workflow", workflow, "files kept", SYSTEM, why, work.now))
    work.desk.do(noted)


def deleted_inputs(jobs: Mapping[int, str | None]) -> dict[int, str]:
    """Of these jobs (number: the dataset that it is made of), those that need a file that was deleted, and why they
    cannot run again."""
    gone = deleted_files({dataset for dataset in jobs.values() if dataset is not None})
    found = {job: gone[dataset] for job, dataset in jobs.items() if dataset in gone}
    numbers = list(jobs)
    for at in range(0, len(numbers), _ASKED):
        uses = Use.objects.filter(job__in=numbers[at : at + _ASKED], role="input")
        dropped = uses.filter(dataset__state=str(DatasetState.DROPPED), dataset__metadata__has_key=MARK)
        for job, url, metadata in dropped.values_list("job", "dataset__url", "dataset__metadata"):
            found.setdefault(job, _gone(url, metadata))
    return found


def deleted_files(datasets: Collection[str]) -> dict[str, str]:
    """Of these datasets, those that were deleted, and why what needs them cannot run."""
    found: dict[str, str] = {}
    asked = list(datasets)
    for at in range(0, len(asked), _ASKED):
        rows = Dataset.objects.filter(uuid__in=asked[at : at + _ASKED], state=str(DatasetState.DROPPED))
        found |= {row.uuid: _gone(row.url, row.metadata) for row in rows if MARK in row.metadata}
    return found


_ASKED = 1_000
"""So many are asked for in one question."""


def _gone(url: str, metadata: Mapping[str, Any]) -> str:
    return f"its input {url} was deleted: {metadata[MARK]}"
