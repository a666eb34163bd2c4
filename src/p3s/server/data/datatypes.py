"""What cold API routes read about data types."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count

from p3s.server.data.models import Dataset, DataType


@dataclass(frozen=True, slots=True)
class DataTypeRow:
    """A kind of data, and how many `datasets` are of it. `updated_at`: epoch seconds."""

    name: str
    ext: str
    comment: str
    owner: str
    updated_at: float
    datasets: int


def page(limit: int, after: str) -> list[DataTypeRow]:
    """By name; `after`: the last one seen."""
    return _rows(list(DataType.objects.filter(name__gt=after).order_by("name")[:limit]))


def find(name: str) -> DataTypeRow | None:
    found = _rows(list(DataType.objects.filter(name=name)))
    return found[0] if found else None


def _rows(types: Sequence[DataType]) -> list[DataTypeRow]:
    of_type = Dataset.objects.filter(datatype__in=[one.name for one in types]).order_by().values_list("datatype")
    counted = dict(of_type.annotate(n=Count("uuid")))
    return [
        DataTypeRow(one.name, one.ext, one.comment, one.owner, one.updated_at, counted.get(one.name, 0))
        for one in types
    ]
