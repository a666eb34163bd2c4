"""Services as the table has them."""

from dataclasses import dataclass

from .models import Service


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """A service when it was written down. Moments are epoch seconds, durations seconds."""

    name: str
    own: bool
    by: str
    every_s: float
    last_at: float | None
    took_s: float | None
    said: str
    value: float | None
    unit: str
    last_error: str
    failed_at: float | None


def row_of(service: Service) -> ServiceRow:
    """A row as plain values."""
    return ServiceRow(**{name: getattr(service, name) for name in ServiceRow.__slots__})


def all_of() -> list[ServiceRow]:
    """Every service that was ever heard and not forgotten, by name."""
    return [row_of(service) for service in Service.objects.order_by("name")]
