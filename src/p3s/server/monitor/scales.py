"""Coordinates as people see them: in the order and with the names that were set, else by their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from p3s.protocol.patterns import natural
from p3s.server.results import standards
from p3s.server.results.standards import DimensionRow


@dataclass(frozen=True, slots=True)
class Scales:
    """Dimensions by name."""

    dimensions: Mapping[str, DimensionRow] = field(default_factory=dict)

    def ordered(self, name: str, values: Iterable[str]) -> list[str]:
        """In physical order; what has no place in it comes after, 9 before 10."""
        known = self.dimensions.get(name)
        places = {value: place for place, value in enumerate(known.order)} if known else {}
        return sorted(values, key=lambda value: (places.get(value, len(places)), natural(value)))

    def label(self, name: str, value: str) -> str:
        """The detector's name of a value, else `apa 3`."""
        known = self.dimensions.get(name)
        return (known.labels.get(value) if known else None) or f"{name} {value}"


def in_force() -> Scales:
    """As they are set."""
    return Scales({row.name: row for row in standards.dimensions()})
