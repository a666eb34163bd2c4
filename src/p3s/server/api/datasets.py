"""Cold routes of datasets: change them."""

from django.http import HttpRequest
from ninja import Router

from p3s.protocol import catalogue_bounds, catalogue_routes
from p3s.protocol.catalogue import DatasetChange, DatasetChanged
from p3s.server.actions import datasets
from p3s.server.actions.rerun import Who
from p3s.server.broker import running

from .doors import grant_of, reach, read

router = Router(tags=["data"])


def _who(request: HttpRequest) -> Who:
    grant = grant_of(request)
    return Who(grant.owner, grant.reaches("operate"))


@router.post("/datasets/{dataset}/adjust", auth=reach("submit"), summary=catalogue_routes.ADJUST_DATASET.summary)
def adjust_dataset(request: HttpRequest, dataset: str) -> DatasetChanged:
    """What is said becomes so, what is left out stays; asked again it changes nothing. Needs `operate` for others'."""
    body, who = read(request, DatasetChange), _who(request)
    catalogue_bounds.check_dataset_change(body)
    reply: DatasetChanged = running().ask(lambda work: datasets.adjust(work, dataset=dataset, change=body, who=who))
    return reply
