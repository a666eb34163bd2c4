"""Job types, dimensions and limits as a file has them. What the file says as it said it last undoes no live change."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from p3s.domain.job_types import kept, word
from p3s.protocol.codec import from_object
from p3s.protocol.data import DimensionSpec, LimitSpec
from p3s.protocol.declarations import DeclareReply
from p3s.protocol.messages import JobTypeSpec
from p3s.server.jobs.models import Declaration
from p3s.server.results.models import Dimension, Limit

from .jobtypes import plain, set_jobtype
from .standards import set_dimension, set_limit
from .work import Work

Said = dict[str, Any]


@dataclass(frozen=True)
class FileSays:
    """What a file says beside its streams, checked. `jobtypes`: of each the names of the settings that it has."""

    jobtypes: Sequence[tuple[JobTypeSpec, Collection[str]]]
    dimensions: list[DimensionSpec]
    limits: list[LimitSpec]
    force: bool


def declare(work: Work, *, says: FileSays, who: str) -> DeclareReply:
    """All of it. `force`: what people changed live is not kept."""
    work.flush()
    declaring = _Declaring(work, who, says.force)
    for spec, names in says.jobtypes:
        declaring.jobtype(spec, names)
    for dimension in says.dimensions:
        declaring.dimension(dimension)
    for limit in says.limits:
        declaring.limit(limit)
    return declaring.reply


class _Declaring:
    """One file's declarations, and what came of them."""

    def __init__(self, work: Work, who: str, force: bool) -> None:
        self.work, self.who, self.force = work, who, force
        self.reply = DeclareReply([], [])

    def jobtype(self, spec: JobTypeSpec, names: Collection[str]) -> None:
        """Setting by setting: those that the file does not name stay as they are."""
        said = {name: value for name, value in plain(spec).items() if name in names}
        in_force = self.work.desk.book.types.get(spec.name, JobTypeSpec(spec.name))
        now = plain(in_force)
        before = self._remember("jobtype", spec.name, said)
        stay = [] if self.force else kept(before, now, said)
        after = {**now, **{name: value for name, value in said.items() if name not in stay}}
        if set_jobtype(self.work, spec=from_object(JobTypeSpec, after), who=self.who):
            self.reply.changed.append(f"job type {spec.name}")
        for name in stay:
            value = word(name, getattr(in_force, name))
            self.reply.kept.append(f"job type {spec.name}: {name} stays {value}, which was set live")

    def dimension(self, spec: DimensionSpec) -> None:
        """As a whole."""
        said = {"order": list(spec.order), "labels": spec.labels}
        in_force = Dimension.objects.filter(name=spec.name).values(*said).first()
        if not self._stays("dimension", spec.name, f"dimension {spec.name}", said, in_force):
            set_dimension(self.work, spec=spec, who=self.who)

    def limit(self, spec: LimitSpec) -> None:
        """As a whole."""
        sides = {"good": spec.good, "warn": spec.warn, "drift": spec.drift}
        said = {name: None if side is None else list(side) for name, side in sides.items()}
        in_force = Limit.objects.filter(category=spec.category, item=spec.item).values(*said).first()
        of = f"{spec.category}/{spec.item}"
        if not self._stays("limits", of, f"limits of {of}", said, in_force):
            set_limit(self.work, spec=spec, who=self.who)

    def _stays(self, kind: str, name: str, what: str, said: Said, in_force: Said | None) -> bool:
        """Whether nothing is to be set: it is so, or people changed it since the file said the same."""
        before = self._remember(kind, name, said)
        if in_force == said:
            return True
        if before == said and not self.force:
            self.reply.kept.append(f"{what}: what was set live stays")
            return True
        self.reply.changed.append(what)
        return False

    def _remember(self, kind: str, name: str, said: Said) -> Said:
        """What the file said before."""
        row = Declaration.objects.filter(kind=kind, name=name).first() or Declaration(kind=kind, name=name, said={})
        before, row.said = row.said, said
        if before != said:
            row.save()
        return dict(before)
