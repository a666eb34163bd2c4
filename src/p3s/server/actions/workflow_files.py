"""The files of a workflow that is made: who writes and who reads them, and which of them are known as datasets."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Any

from p3s.domain.workflows.expansion import OWN
from p3s.domain.workflows.plan import PlannedFile
from p3s.server.data.models import Dataset
from p3s.server.workflows import queries

from .workflow_plans import Planned

SETTLED = "registered"
"""The state of a file that is named and not there yet."""

PORTION = 5_000


class Files:
    """By place in the plan: `inputs` as [variable, path, place of the writer or None], `outputs` as [variable, path,
    data type, seconds kept or None], `besides`: places of what is waited for and not read."""

    def __init__(self, planned: Planned) -> None:
        self.planned = planned
        self.inputs: list[list[list[Any]]] = []
        self.outputs: list[list[list[Any]]] = []
        self.besides: list[list[int]] = []
        self.notes: list[str] = []
        #: Paths of what no node writes, and of what a node does.
        self._given: dict[str, None] = {}
        self._made: dict[str, tuple[int, PlannedFile]] = {}
        writers: dict[str, list[int]] = {}
        for place, node in enumerate(planned.plan.nodes):
            self.inputs.append([[file.variable, file.path, _writer(file, writers, node.after)] for file in node.inputs])
            self._given |= {path: None for _, path, writer in self.inputs[-1] if writer is None}
            read = {writer for _, _, writer in self.inputs[-1]}
            self.besides.append([one for one in node.after if one not in read])
            self.outputs.append([[file.variable, file.path, file.type, file.keep] for file in node.outputs])
            for file in node.outputs:
                writers.setdefault(file.path, []).append(place)
                self._made.setdefault(file.path, (place, file))
        self._known = self._look()
        #: UUIDs of those that are to be made.
        self._new = {path: str(uuid.uuid4()) for path in {**self._given, **self._made} if path not in self._known}

    def _look(self) -> dict[str, str]:
        """UUIDs of datasets that are known, by path."""
        paths = [*self._given, *self._made]
        names = [*paths, *(f"file://{path}" for path in self._given)]
        found: dict[str, str] = {}
        for at in range(0, len(names), PORTION):
            rows = Dataset.objects.filter(url__in=names[at : at + PORTION]).values_list("url", "uuid", "state")
            for url, known, state in rows:
                found[url.removeprefix("file://")] = known
                if url in self._made and state == SETTLED and not self.planned.rerun_of and not self.notes:
                    self.notes.append(f"{url} is also to be written by a workflow that was made before")
        return found

    def known(self, url: str) -> str | None:
        """The dataset of this path or address, if it is one."""
        return self._known.get(url.removeprefix("file://"))

    def written(self, place: int) -> tuple[str, ...]:
        """Datasets that a node writes, known or to be made."""
        return tuple(self._known.get(path) or self._new[path] for _, path, _, _ in self.outputs[place])

    def read(self, places: Iterable[int], done: Collection[int]) -> list[str]:
        """Known datasets that these nodes read and that must be there: no node is to write them, or one in `done` has
        written them."""
        read = (one for place in places for one in self.inputs[place])
        paths = {path for _, path, writer in read if writer is None or writer in done}
        return [known for path in paths if (known := self.known(path)) is not None]

    def store(self, jobs: Mapping[int, int], now: float) -> None:
        """Make datasets of files that are none yet, and say what the jobs (numbers, by place) read and write."""
        new = [self._dataset(path, None, "available", now) for path in self._given if path not in self._known]
        for path, (place, file) in self._made.items():
            if path not in self._known:
                there = self.planned.plan.nodes[place].spec is None
                new.append(self._dataset(path, file, "available" if there else SETTLED, now))
        Dataset.objects.bulk_create(new, batch_size=PORTION)
        self._known |= {row.url: row.uuid for row in new}
        uses = list(chain.from_iterable(self._uses(place, job) for place, job in jobs.items()))
        if uses:
            queries.add_uses(uses)

    def _dataset(self, path: str, file: PlannedFile | None, state: str, now: float) -> Dataset:
        plan = self.planned.plan
        node = plan.nodes[self._made[path][0]] if file else None
        numbers = node or plan
        metadata = {"workflow": self.planned.workflow, "node": node.node} if node else {}
        if file is not None and file.keep is not None:
            metadata["keep"] = file.keep  # type: ignore[assignment]
        return Dataset(
            uuid=self._new[path],
            name=path.partition("?")[0].rstrip("/").rsplit("/", 1)[-1][-255:],
            url=path,
            datatype_id=(file.type or None) if file else None,
            run=numbers.run,
            subrun=numbers.subrun,
            keys=dict(numbers.keys),
            comment=file.comment if file else "",
            metadata=metadata,
            state=state,
            owner=self.planned.owner,
            registered_at=now,
        )

    def _uses(self, place: int, job: int) -> Iterable[tuple[int, str, str, str]]:
        own = self.planned.plan.nodes[place].spec
        for variable, path, _ in self.inputs[place]:
            if variable != OWN or own is None or self.known(own.input) is None:
                yield job, self._known[path], "input", variable
        for variable, path, _, _ in self.outputs[place]:
            yield job, self._known[path], "output", variable


def _writer(file: PlannedFile, writers: Mapping[str, list[int]], after: tuple[int, ...]) -> int | None:
    """Of the nodes that are waited for, the one that writes it."""
    return next((place for place in writers.get(file.path, ()) if place in after), None)
