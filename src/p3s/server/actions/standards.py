"""Set what results are judged and shown by: limits, reference runs, dimensions. They count for results published from
then on: what was judged before keeps the status it had, with the limits of its time."""

from typing import Any

from p3s.domain.effects import Noted
from p3s.protocol.data import DimensionSpec, LimitSpec, ReferenceSpec
from p3s.server.results.models import Dimension, Limit, Reference

from .work import Work

OBJECT_LENGTH = 80
"""The record's names of objects are so long at most."""


def set_limit(work: Work, *, spec: LimitSpec, who: str) -> bool:
    """The whole of what is set for a number or column. False when it was so already."""
    work.flush()
    row = Limit.objects.filter(category=spec.category, item=spec.item).first()
    values = {name: None if one is None else list(one) for name, one in _of_limit(spec).items()}
    if row is not None and {name: getattr(row, name) for name in values} == values:
        return False
    row = row or Limit(category=spec.category, item=spec.item)
    for name, value in (*values.items(), ("who", who), ("at", work.now), ("why", spec.why)):
        setattr(row, name, value)
    row.save()
    said = "; ".join(f"{name} {_sides(value)}" for name, value in values.items() if value is not None)
    _note(work, "limit", f"{spec.category}/{spec.item}", "set", who, _why(said, spec.why))
    return True


def _of_limit(spec: LimitSpec) -> dict[str, Any]:
    return {"good": spec.good, "warn": spec.warn, "drift": spec.drift}


def _sides(pair: list[float | None]) -> str:
    """As one writes them on a command line: `0.3,` has no upper limit."""
    return ",".join("" if side is None else f"{side:g}" for side in pair)


def drop_limit(work: Work, *, category: str, item: str, who: str, why: str) -> bool:
    """The payload's own count again. False when none were set."""
    work.flush()
    gone, _ = Limit.objects.filter(category=category, item=item).delete()
    if gone:
        _note(work, "limit", f"{category}/{item}", "deleted", who, why)
    return bool(gone)


def set_reference(work: Work, *, spec: ReferenceSpec, who: str) -> bool:
    """In place of the one before. False when it was this run already."""
    work.flush()
    row = Reference.objects.filter(category=spec.category).first()
    if row is not None and row.run == spec.run:
        return False
    said = f"run {spec.run}" + ("" if row is None else f", was {row.run}")
    Reference(category=spec.category, run=spec.run, who=who, at=work.now, why=spec.why).save()
    _note(work, "reference", spec.category or "all", "set", who, _why(said, spec.why))
    return True


def drop_reference(work: Work, *, category: str, who: str, why: str) -> bool:
    """Nothing drifts any more, or from the run for all categories. False when there was none."""
    work.flush()
    row = Reference.objects.filter(category=category).first()
    if row is None:
        return False
    _note(work, "reference", category or "all", "deleted", who, _why(f"was run {row.run}", why))
    row.delete()
    return True


def set_dimension(work: Work, *, spec: DimensionSpec, who: str) -> bool:
    """False when it was so already."""
    work.flush()
    row = Dimension.objects.filter(name=spec.name).first()
    if row is not None and (row.order, row.labels) == (list(spec.order), spec.labels):
        return False
    values = {"order": list(spec.order), "labels": spec.labels}
    Dimension(name=spec.name, **values, who=who, at=work.now, why=spec.why).save()
    _note(work, "dimension", spec.name, "set", who, spec.why)
    return True


def drop_dimension(work: Work, *, name: str, who: str, why: str) -> bool:
    """Its values are shown as they are. False when there was none."""
    work.flush()
    gone, _ = Dimension.objects.filter(name=name).delete()
    if gone:
        _note(work, "dimension", name, "deleted", who, why)
    return bool(gone)


def _why(said: str, why: str) -> str:
    return f"{said}: {why}" if why else said


def _note(work: Work, kind: str, name: str, what: str, who: str, why: str) -> None:
    work.topics.add("results")
    work.desk.do([Noted(kind, name[:OBJECT_LENGTH], what, who, why, work.now)])
