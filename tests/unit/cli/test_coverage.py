"""The table of `p3s stream coverage` adds up as what the server says does."""

from typing import get_type_hints

from p3s.cli.coverage import COLUMNS
from p3s.protocol.streams import CoverageRow


def test_every_count_has_a_column() -> None:
    assert set(COLUMNS.values()) == get_type_hints(CoverageRow).keys() - {"last_at"}
