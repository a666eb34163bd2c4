"""What the server knows of data: datasets, sets, data types, runs, and what came of what."""

from collections.abc import Sequence
from typing import cast
from urllib.parse import urlencode

from p3s.protocol import catalogue_routes as routes
from p3s.protocol import data_routes
from p3s.protocol.catalogue import (
    DatasetChange,
    DatasetChanged,
    DataTypeChanged,
    DataTypeSpec,
    Removed,
    RunChange,
    RunChanged,
    RunEnd,
    RunStart,
    SetChanged,
    SetMembers,
    SetRequest,
)
from p3s.protocol.catalogue_views import DatasetDetail, DataType, Lineage, Run, RunDetail
from p3s.protocol.errors import Conflict, NotKnown
from p3s.protocol.views import Dataset

from .asking import MOST, Asking, Json

MOST_COVERED = 200
"""Runs of a page, with coverage."""

ALL = 100_000
"""So many neighbours of a thing are all of them."""


class Data(Asking):
    """One method a route. `which` is a dataset's UUID, its URL or its whole name; where no dataset is there now, the
    URL at which one was registered (`came_from`) names it too."""

    # ---- datasets

    def find_dataset(self, which: str) -> Dataset:
        """The one. Raises NotKnown, or Conflict for a name that several have."""
        asked = {"which": which}
        found: list[Dataset] = list(self._pages(data_routes.DATASETS, "datasets", 5, asked)) if which.strip() else []
        if not found:
            raise NotKnown(f"there is no dataset {which}; p3s dataset list shows the latest")
        if len(found) > 1:
            named = "; ".join(f"{one['uuid']} is {one['url']}" for one in found[:4])
            raise Conflict(f"several datasets are called {which}; name one by its UUID or URL: {named}")
        return found[0]

    def dataset(self, which: str) -> DatasetDetail:
        """All there is about a dataset; `taken` and `says`: whether it was, and why not."""
        return cast(DatasetDetail, self._object(routes.DATASET, dataset=self.find_dataset(which)["uuid"]))

    def adjust_dataset(self, dataset: str, change: DatasetChange) -> DatasetChanged:
        """Change what is known of a dataset, named by UUID. Raises Conflict for a state that may not follow."""
        return self._told(DatasetChanged, routes.ADJUST_DATASET, change, dataset=dataset)

    def delete_dataset(self, dataset: str, why: str = "", dry_run: bool = False) -> Removed:
        """Forget a dataset, named by UUID; never the file. Raises Conflict while a job or a set names it."""
        return self._removed(routes.DELETE_DATASET, why, dry_run, dataset=dataset)

    # ---- sets

    def make_set(self, name: str, comment: str = "", datatype: str = "", add: Sequence[str] = ()) -> SetChanged:
        """A named set of files; one of this name that is there already gets what is to be added."""
        return self._told(SetChanged, routes.SET, SetRequest(comment, datatype, list(add)), set=name)

    def change_set(self, name: str, add: Sequence[str] = (), remove: Sequence[str] = (), why: str = "") -> SetChanged:
        """Files join or leave a set: at most BOUNDS["files_per_call"], all of them or none."""
        return self._told(SetChanged, routes.SET_MEMBERS, SetMembers(list(add), list(remove), why), set=name)

    # ---- data types

    def data_types(self, limit: int | None = None) -> list[DataType]:
        """By name, with how many datasets are of each."""
        return list(self._pages(routes.DATATYPES, "datatypes", limit, {}))

    def data_type(self, name: str) -> DataType:
        """One of them. Raises NotKnown."""
        return cast(DataType, self._object(routes.DATATYPE, name=name))

    def set_data_type(self, spec: DataTypeSpec) -> DataTypeChanged:
        """A new one, or all settings of one that is there."""
        return self._told(DataTypeChanged, routes.SET_DATATYPE, spec, name=spec.name)

    def delete_data_type(self, name: str, why: str = "", dry_run: bool = False) -> Removed:
        """Raises Conflict while datasets are of it."""
        return self._removed(routes.DELETE_DATATYPE, why, dry_run, name=name)

    # ---- runs

    def runs(
        self,
        limit: int | None = 100,
        *,
        type: str = "",
        open: bool | None = None,
        since: float | None = None,
        until: float | None = None,
        coverage: bool = False,
    ) -> list[Run]:
        """Open ones first, then the highest number first; `since`, `until`: started. `coverage`: with what became of
        their files."""
        asked: Json = {"type": type, "open": None if open is None else str(open).lower(), "coverage": coverage}
        most = MOST_COVERED if coverage else MOST
        return list(self._pages(routes.RUNS, "runs", limit, {**asked, "since": since, "until": until}, most))

    def run(self, run: int) -> RunDetail:
        """A run with what came of its files. Raises NotKnown."""
        return cast(RunDetail, self._object(routes.RUN, run=str(run)))

    def start_run(self, run: int, request: RunStart | None = None) -> RunChanged:
        """Of one that is open already what it lacks is filled in. Raises Conflict for one that has ended."""
        return self._told(RunChanged, routes.START_RUN, request or RunStart(), run=str(run))

    def end_run(self, run: int, comment: str = "", why: str = "") -> RunChanged:
        """A second time changes nothing."""
        return self._told(RunChanged, routes.END_RUN, RunEnd(comment, why), run=str(run))

    def adjust_run(self, run: int, change: RunChange) -> RunChanged:
        """Change what is known of a run."""
        return self._told(RunChanged, routes.ADJUST_RUN, change, run=str(run))

    def delete_run(self, run: int, why: str = "", dry_run: bool = False) -> Removed:
        """Forget a run that was started by mistake. Raises Conflict while files, jobs or results are of it."""
        return self._removed(routes.DELETE_RUN, why, dry_run, run=str(run))

    # ---- lineage

    def lineage(self, of: str, way: str = "both", fan: int = ALL) -> Lineage:
        """What a file, a job or a result (`result:17`) was made of (`up`) and what was made of it (`down`). Of each
        thing the first `fan` neighbours are among the nodes; all are counted."""
        return cast(Lineage, self._object(routes.LINEAGE, "?" + urlencode({"of": of, "way": way, "fan": fan})))
