"""Change what is known of a dataset; forget it."""

from typing import Any

from p3s.domain.effects import Noted
from p3s.domain.lifecycle import DATASET_MOVES, following
from p3s.protocol.catalogue import DatasetChange, DatasetChanged, Removed
from p3s.protocol.errors import Conflict, NotAllowed, NotKnown
from p3s.protocol.states import FINAL_JOB_STATES, DatasetState
from p3s.server.data.models import Arrival, Dataset, DataType, Member
from p3s.server.jobs.models import Job, Use
from p3s.server.workflows.models import Workflow

from .rerun import Who
from .runs import ensure_runs
from .work import Work

_EMPTY: dict[str, Any] = {"keys": {}, "comment": "", "adler32": ""}
"""What a field has that is empty; the others have null."""

_PLAIN = ("url", "size", "adler32", "modified_at", "run", "subrun", "comment")


def owned_dataset(uuid: str, who: Who, what: str) -> Dataset:
    """The dataset, when it is theirs or they reach all. Raises NotKnown or NotAllowed; `what` is to be done."""
    row = Dataset.objects.filter(uuid=uuid).first()
    if row is None:
        raise NotKnown(f"there is no dataset {uuid[:60]}; p3s dataset list shows the latest")
    if row.owner != who.name and not who.all_jobs:
        raise NotAllowed(f"dataset {row.name} belongs to {row.owner}; only they or an operator can {what} it")
    return row


def adjust(work: Work, *, dataset: str, change: DatasetChange, who: Who) -> DatasetChanged:
    """In one go; what is so already is no change. Its jobs keep the run and the address that they were made with; of a
    file that is moved the address stays known at which it came.
    Raises Conflict for a state that may not follow, or an address that another dataset has."""
    work.flush()
    row = owned_dataset(dataset, who, "change")
    before = {name: getattr(row, name) for name in (*_PLAIN, "keys", "datatype_id", "state")}
    _apply(row, change)
    changed = [name for name, value in before.items() if getattr(row, name) != value]
    if changed:
        if "url" in changed:
            came_from = row.came_from or before["url"]
            row.came_from = None if came_from == row.url else came_from
        row.save(update_fields=[*changed, "came_from"])
        if "run" in changed:
            ensure_runs(work, [row.run], who.name)
            Arrival.objects.filter(dataset=row).update(run=row.run)
        said = "; ".join(f"{_shown(name)} {_word(before[name])} -> {_word(getattr(row, name))}" for name in changed)
        why = f"{said}: {change.why}" if change.why else said
        work.desk.do([Noted("dataset", row.uuid, "adjusted", who.name, why, work.now)])
        work.topics.add("datasets")
    return DatasetChanged(row.uuid, row.state, [_shown(name) for name in changed])


def _apply(row: Dataset, change: DatasetChange) -> None:
    for name in change.clear:
        setattr(row, name, _EMPTY.get(name))
    for name in _PLAIN:
        value = getattr(change, name)
        if value is not None:
            setattr(row, name, value)
    if change.keys is not None:
        row.keys = {**row.keys, **change.keys}
    if change.datatype is not None:
        row.datatype = data_type(change.datatype)
    if change.url is not None:
        _check_free(row)
    if change.state is not None and change.state != row.state:
        _check_move(row, change.state)
        row.state = change.state


def data_type(name: str) -> DataType:
    """Raises NotKnown."""
    found = DataType.objects.filter(name=name).first()
    if found is None:
        raise NotKnown(f"there is no data type {name!r}; p3s datatype add {name} makes it, p3s datatype list shows all")
    return found


def _check_free(row: Dataset) -> None:
    if row.kind == "set":
        raise Conflict(f"{row.name} is a set of files and lies nowhere; change its files")
    other = Dataset.objects.filter(url=row.url).exclude(uuid=row.uuid).first()
    if other is not None:
        raise Conflict(f"url: {row.url[:200]} is dataset {other.uuid} already; give each file its own")


def _check_move(row: Dataset, after: str) -> None:
    before = DatasetState(row.state)
    if (before, after) not in DATASET_MOVES:
        possible = " or ".join(following(before))
        raise Conflict(f"dataset {row.name} is {before} and may become {possible}, not {after}")


def _shown(name: str) -> str:
    return name.removesuffix("_id")


def _word(value: Any) -> str:
    return "nothing" if value in (None, "", {}) else str(value)[:300]


def forget(work: Work, *, dataset: str, why: str, dry_run: bool, who: Who) -> Removed:
    """The record, with what its streams counted of it; never the file. Raises Conflict while something names it."""
    work.flush()
    row = owned_dataset(dataset, who, "delete")
    _check_free_of_jobs(row)
    in_set = Member.objects.filter(dataset=row).select_related("set").first()
    if in_set is not None:
        raise Conflict(f"set {in_set.set.name} has {row.name}; p3s dataset set remove {in_set.set.name} {row.uuid}")
    arrivals, files = Arrival.objects.filter(dataset=row).count(), row.members.count()
    goes = [f"{count} {word}" for count, word in ((arrivals, "arrivals"), (files, "memberships")) if count]
    if Workflow.objects.filter(dataset=row).exists():
        raise Conflict(
            f"a workflow was started of {row.name}; p3s purge workflows removes it, {_DROP.format(row.uuid)}"
        )
    if not dry_run:
        Dataset.objects.filter(uuid=row.uuid).delete()
        said = ": ".join(text for text in (f"{row.name} ({row.url})"[:1_000], why) if text)
        work.desk.do([Noted("dataset", row.uuid, "deleted", who.name, said, work.now)])
        work.topics.add("datasets")
    return Removed(row.name, f"with {', '.join(goes)}" if goes else "")


_DROP = "p3s dataset adjust {} --state dropped says that it is no longer wanted"


def _check_free_of_jobs(row: Dataset) -> None:
    jobs = Job.objects.filter(dataset=row)
    going_on = jobs.exclude(state__in=[str(state) for state in FINAL_JOB_STATES]).count()
    if going_on:
        raise Conflict(f"{going_on} jobs of {row.name} have not ended; wait for them, or p3s job cancel them first")
    if jobs.exists() or Use.objects.filter(dataset=row).exists():
        raise Conflict(f"jobs were made of {row.name}, and their record names it; {_DROP.format(row.uuid)}")
