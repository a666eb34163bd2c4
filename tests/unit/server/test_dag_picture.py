"""A workflow's picture: each node right of all that it waits for, nothing on top of another."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from p3s.server.monitor.dag_picture import HEIGHT, MOST_NODES, WIDTH, picture


def graph(pairs: list[tuple[int, int]]) -> dict[str, list[str]]:
    """Nodes with those that they wait for, each of which stands before: one from the lesser to the greater number."""
    numbers = sorted({number for pair in pairs for number in pair})
    joined = sorted({(min(pair), max(pair)) for pair in pairs if len(set(pair)) == 2})
    return {f"n{number}": [f"n{one}" for one, other in joined if other == number] for number in numbers}


graphs = some.lists(some.tuples(some.integers(0, 14), some.integers(0, 14)), min_size=1, max_size=30).map(graph)


@given(graphs)
def test_every_node_stands_right_of_all_that_it_waits_for_and_none_on_another(waits: dict[str, list[str]]) -> None:
    found = picture(waits)
    assert found is not None
    at = {box.name: (box.x, box.y) for box in found.boxes}
    assert set(at) == set(waits)
    for name, before in waits.items():
        for one in before:
            assert at[one][0] + WIDTH < at[name][0]
    assert len(found.paths) == sum(len(before) for before in waits.values())
    for x, y in at.values():
        assert 0 <= x <= found.width - WIDTH
        assert 0 <= y <= found.height - HEIGHT
    boxes = sorted(at.values())
    for (x, y), (other, below) in pairwise(boxes):
        assert x != other or y + HEIGHT < below


def test_a_simple_one_does_not_cross() -> None:
    found = picture({"a": [], "b": [], "to_b": ["b"], "to_a": ["a"]})
    assert found is not None
    at = {box.name: box.y for box in found.boxes}
    assert (at["a"] < at["b"]) == (at["to_a"] < at["to_b"])


def test_an_edge_that_passes_a_layer_has_its_place_there() -> None:
    found = picture({"a": [], "b": ["a"], "c": ["a", "b"]})
    assert found is not None
    assert max(path.count("C") for path in found.paths) == 2


def test_there_is_no_picture_of_too_many() -> None:
    assert picture({f"n{number}": [] for number in range(MOST_NODES + 1)}) is None
    assert picture({}) is None
