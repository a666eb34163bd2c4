"""The service that deletes files of workflows whose `keep` ran out, as far as the server reaches them.

The rule is `domain.workflows.keeping`, what is written down `actions.tidy`, the deleting itself `deleting`.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import time

from p3s.domain.workflows.keeping import Do, Verdict, inside, judge, place_of, plain
from p3s.protocol.states import DatasetState
from p3s.protocol.units import counted, of_bytes
from p3s.server.actions import tidy
from p3s.server.actions.many import Ask
from p3s.server.workflows import keeping
from p3s.server.workflows.keeping import Due, File

from . import deleting
from .deleting import Doomed, Left

LOOKED = 100
"""So many workflows are read at once."""


@dataclass(slots=True)
class Tally:
    """What a round did. `later`: why files wait; `failed`: what the system said of those that could not be deleted."""

    deleted: int = 0
    freed: int = 0
    gone: int = 0
    later: list[str] = field(default_factory=list)
    stay: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    away: list[str] = field(default_factory=list)

    def words(self) -> str:
        """For the service's line; of each sort the first is named."""
        found = [f"{counted(self.deleted, 'file')} deleted ({of_bytes(self.freed)})"]
        found += [f"{self.gone} were gone already"] if self.gone else []
        sorts = {
            "wait": self.later,
            "stay": self.stay,
            "could not be deleted": self.failed,
            "workflows' files are not in the server's reach": self.elsewhere,
            "workflows wait for a file system": self.away,
        }
        found += [f"{len(some)} {what}: {some[0]}" for what, some in sorts.items() if some]
        return "; ".join(found)[:1_900]


@dataclass(frozen=True, slots=True)
class Tidy:
    """Deletes below `places` only, and nothing of the server's `own` directory but what lies below the first of them.
    `ask` has the writer tell a story."""

    ask: Ask
    places: tuple[str, ...]
    own: str
    clock: Callable[[], float] = time

    def run(self) -> str:
        """All that is due; says what went and what did not."""
        tally = Tally()
        for workflow in self._due():
            self._workflow(workflow, tally)
        return tally.words()

    def preview(self) -> str:
        """What a run would do, by the records alone: no file is looked at."""
        now, due, files, first, elsewhere = self.clock(), 0, 0, "", 0
        for workflow in self._due():
            if not place_of(workflow.directory, self.places):
                elsewhere += 1
                continue
            paths = [one.kept.path for one in keeping.files(workflow) if judge(one.kept, now).do is Do.DELETE]
            due, files, first = due + bool(paths), files + len(paths), first or next(iter(paths), "")
        words = [f"would delete {files} files of {due} workflows" + (f", the first {first}" if first else "")]
        words += [f"{elsewhere} workflows' files are not in the server's reach"] if elsewhere else []
        return "; ".join(words)

    def _due(self) -> Iterator[Due]:
        now, after = self.clock(), None
        while rows := keeping.due(now, after, LOOKED):
            yield from rows
            after = (rows[-1].ended_at, rows[-1].uuid)

    def _workflow(self, workflow: Due, tally: Tally) -> None:
        place = place_of(workflow.directory, self.places)
        if place and not Path(place).is_dir():
            tally.away.append(f"{place} is not there")
            return
        why = self._out_of_reach(workflow, place)
        if why:
            tally.elsewhere.append(why)
            self.ask(partial(tidy.settle, workflow=workflow.uuid, keep=None, stay=(), why=why))
            return
        files = _Files(self, workflow, place, tally, self.clock())
        files.go()
        keep = files.next()
        if keep != workflow.keep:
            stay = files.stay if keep is None else []
            self.ask(partial(tidy.settle, workflow=workflow.uuid, keep=keep, stay=stay))

    def _out_of_reach(self, workflow: Due, place: str) -> str:
        if not place:
            return f"{workflow.directory} is not below {' or '.join(self.places)}, where this server deletes"
        return "" if Path(workflow.directory).is_dir() else f"{workflow.directory} is not on the server's machine"

    def protected(self, place: str, path: str) -> bool:
        """Whether it is the server's own, whatever name leads there."""
        real = os.path.realpath(place) + plain(path).removeprefix(plain(place))
        return inside(real, self.own) and not inside(real, self.places[0])


@dataclass(slots=True)
class _Files:
    """The files of one workflow."""

    service: Tidy
    workflow: Due
    place: str
    tally: Tally
    now: float
    #: Seconds after the workflow's end when those that wait are due.
    waits: list[float] = field(default_factory=list)
    #: Files (dataset, why) that are not looked at again.
    stay: list[tuple[str, str]] = field(default_factory=list)

    def go(self) -> None:
        """Look at each, and delete those that may go."""
        ready: dict[str, File] = {}
        whys: dict[str, str] = {}
        for file in keeping.files(self.workflow):
            verdict = judge(file.kept, self.now)
            if verdict.do is Do.LATER:
                self._later(file, verdict)
            elif verdict.do is Do.NEVER:
                if verdict.at is not None:
                    self._stays(file, verdict.why)
            elif self._tried(file, deleting.examine)[0]:
                ready[file.dataset] = file
                whys[file.dataset] = self._why(file, verdict)
        everything = list(ready)
        for at in range(0, len(everything), tidy.PORTION):
            self._delete([ready[one] for one in everything[at : at + tidy.PORTION]], whys)

    def next(self) -> float | None:
        """When it is to be looked at again, in seconds after its end."""
        return min(self.waits, default=None)

    def _delete(self, files: list[File], whys: dict[str, str]) -> None:
        """What is dropped already was left by a round that broke off."""
        claims = {file.dataset: whys[file.dataset] for file in files if file.kept.state == DatasetState.AVAILABLE}
        claimed = set(self.service.ask(partial(tidy.claim, files=claims))) if claims else set()
        for file in files:
            if file.dataset in claims and file.dataset not in claimed:
                self._later(file, Verdict(Do.LATER, "something began to use it just now"))
                continue
            done, size, why = self._tried(file, deleting.delete)
            if not done and file.dataset in claimed:
                self.service.ask(partial(tidy.give_back, dataset=file.dataset, why=why))
            elif done and size is None:
                self.tally.gone += file.dataset in claimed
            elif done:
                self.tally.deleted += 1
                self.tally.freed += size or 0

    def _why(self, file: File, verdict: Verdict) -> str:
        days = ((verdict.at or 0.0) - file.until) / 86_400
        return f"its keep ran out, {days:.3g} d after workflow {self.workflow.uuid} had ended"

    def _tried(self, file: File, act: Callable[[Doomed], int | None]) -> tuple[bool, int | None, str]:
        """Whether it may go, or went; its bytes, None when it is not there; why not."""
        try:
            if self.service.protected(self.place, file.kept.path):
                raise Left("it is the server's own")
            return True, act(Doomed(self.place, file.kept.path, file.since, file.until)), ""
        except Left as left:
            self._stays(file, str(left))
            return False, None, str(left)
        except OSError as error:
            why = error.strerror or str(error)
            self.tally.failed.append(f"{file.kept.path}: {why}")
            self.waits.append(self.workflow.keep)
            return False, None, f"it could not be deleted: {why}"

    def _stays(self, file: File, why: str) -> None:
        self.stay.append((file.dataset, why))
        self.tally.stay.append(f"{file.kept.path}: {why}")

    def _later(self, file: File, verdict: Verdict) -> None:
        if verdict.at is not None and verdict.at > self.now:
            self.waits.append(verdict.at - self.workflow.ended_at)
            return
        self.waits.append(self.workflow.keep)
        self.tally.later.append(f"{file.kept.path}: {verdict.why}")
