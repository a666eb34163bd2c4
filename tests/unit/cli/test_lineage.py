"""Lineage as a tree for people."""

import pytest

from p3s.cli.lineage import _print
from p3s.protocol.catalogue_views import Lineage, LineageNode


def node(name: str, left_out: int = 0) -> LineageNode:
    known = {"id": f"file:{name}", "kind": "file", "name": name, "state": "", "url": f"/{name}"}
    return LineageNode(**known, run=None, left_out=left_out)  # type: ignore[typeddict-item]


def test_what_stands_in_several_places_is_shown_at_the_first_and_only_named_below(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A merge of two files that were made with the same geometry, which the merge reads, too."""
    nodes = [node("merge", left_out=3), node("one"), node("two"), node("geometry"), node("survey")]
    ways = [("one", "merge"), ("two", "merge"), ("geometry", "merge"), ("geometry", "one"), ("geometry", "two")]
    edges = [{"source": f"file:{a}", "target": f"file:{b}", "how": "read"} for a, b in [*ways, ("survey", "geometry")]]
    up = {"counts": {"file": 7}, "whole": True}
    found = {"of": "file:merge", "nodes": nodes, "edges": edges, "up": up, "down": None}
    _print(Lineage(**found))  # type: ignore[typeddict-item]
    lines = [line.strip(" \u2502\u251c\u2514\u2500") for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == [
        "read file one",
        "read file geometry",
        "read file survey",
        "read file two",
        "read file geometry (see above)",
        "read file geometry (see above)",
        "and 3 more (--all shows them)",
    ]
