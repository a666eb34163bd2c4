"""Cold routes of one dataset or set: all there is about it, and changes."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from p3s.domain.data import datasets as rules
from p3s.protocol import bounds, catalogue_bounds, catalogue_routes
from p3s.protocol.catalogue import DatasetChange, DatasetChanged, Removed, SetChanged, SetMembers, SetRequest
from p3s.protocol.errors import NotKnown
from p3s.server.actions import datasets, sets
from p3s.server.actions.rerun import Who
from p3s.server.broker import running
from p3s.server.data import reads
from p3s.server.jobs import reads as jobs
from p3s.server.results import reads as results
from p3s.server.workflows import started

from .doors import grant_of, plain, reach, read
from .paging import DryRun, Why, exact

router = Router(tags=["data"])

MOST = 100
"""Jobs, results and sets that a dataset is shown with."""


def who_asks(request: HttpRequest) -> Who:
    """Whose token it is, and whether it reaches what is others'."""
    grant = grant_of(request)
    return Who(grant.owner, grant.reaches("operate"))


def known(dataset: str) -> reads.DatasetRow:
    """A dataset by its UUID. Raises NotKnown."""
    row = reads.find(dataset) if dataset.isascii() and dataset.isprintable() else None
    if row is None:
        raise NotKnown(f"there is no dataset {dataset[:60]}; p3s dataset list shows the latest")
    return row


@router.get("/datasets/{dataset}", auth=reach("read"), summary=catalogue_routes.DATASET.summary)
@exact
def show_dataset(request: HttpRequest, dataset: str) -> dict[str, Any]:  # noqa: ARG001
    """All there is about a dataset: what each stream made of it, its jobs, and what was done to it."""
    row = known(dataset)
    arrived = reads.arrivals(row.uuid)
    states = jobs.states_by_dataset([row.uuid]).get(row.uuid, {})
    flows = started.words_of([row.uuid]).get(row.uuid, [])
    taken, says = rules.taken([(one.stream, one.fate, one.reason) for one in arrived], states, flows)
    return {
        **plain(row),
        "metadata": reads.metadata(row.uuid),
        "taken": taken,
        "says": says,
        "processing": rules.processing(states, flows),
        "job_states": states,
        "arrivals": [plain(one) for one in arrived],
        "sets": [plain(one) for one in reads.sets_with(row.uuid, MOST)],
        "jobs": [plain(one) for one in jobs.readers_of(row.uuid, MOST)],
        "made_by": [plain(one) for one in jobs.writers_of(row.uuid, MOST)],
        "results": [plain(one) for one in results.of_dataset(row.uuid, MOST)],
        "events": [plain(one) for one in jobs.events("dataset", row.uuid)],
    }


@router.post("/datasets/{dataset}/adjust", auth=reach("submit"), summary=catalogue_routes.ADJUST_DATASET.summary)
def adjust_dataset(request: HttpRequest, dataset: str) -> DatasetChanged:
    """What is said becomes so, what is left out stays; asked again it changes nothing. Needs `operate` for others'."""
    body, who = read(request, DatasetChange), who_asks(request)
    catalogue_bounds.check_dataset_change(body)
    bounds.check_name(dataset, "dataset")
    reply: DatasetChanged = running().ask(lambda work: datasets.adjust(work, dataset=dataset, change=body, who=who))
    return reply


@router.delete("/datasets/{dataset}", auth=reach("submit"), summary=catalogue_routes.DELETE_DATASET.summary)
@exact
def delete_dataset(request: HttpRequest, dataset: str, why: Why = "", dry_run: DryRun = False) -> Removed:
    """The record, never the file. 409 while a job or a set names it. Needs `operate` for others'."""
    who = who_asks(request)
    bounds.check_name(dataset, "dataset")
    catalogue_bounds.check_why(why)
    reply: Removed = running().ask(
        lambda work: datasets.forget(work, dataset=dataset, why=why, dry_run=dry_run, who=who)
    )
    return reply


@router.put("/sets/{set}", auth=reach("submit"), summary=catalogue_routes.SET.summary)
def put_set(request: HttpRequest, set: str) -> SetChanged:
    """One of this name that is there already stays as it is; the files in `add` join it."""
    body, who = read(request, SetRequest), who_asks(request)
    catalogue_bounds.check_set(set, body)
    reply: SetChanged = running().ask(lambda work: sets.make(work, name=set, request=body, who=who))
    return reply


@router.post("/sets/{set}/members", auth=reach("submit"), summary=catalogue_routes.SET_MEMBERS.summary)
def change_members(request: HttpRequest, set: str) -> SetChanged:
    """All of them or none: a file that is not known is refused. Files may be in several sets."""
    body, who = read(request, SetMembers), who_asks(request)
    catalogue_bounds.check_members(set, body)
    reply: SetChanged = running().ask(lambda work: sets.change(work, name=set, request=body, who=who))
    return reply
