"""What came of what, as a graph: it ends in circles too, counts all, and shows a sample that goes all the way."""

from collections.abc import Callable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from p3s.domain.data.lineage import Key, Link, shown, walk

NODES = st.integers(0, 12)
GRAPHS = st.dictionaries(NODES, st.lists(NODES, unique=True, max_size=6))


def key(number: int) -> Key:
    return ("job" if number % 2 else "dataset", number)


def stepping(graph: dict[int, list[int]], asked: list[list[Key]]) -> Callable[[list[Key]], Iterator[Link]]:
    def step(level: list[Key]) -> Iterator[Link]:
        asked.append(level)
        for near in level:
            for far in graph.get(near[1], []):
                yield near, key(far), "read"

    return step


def reached(graph: dict[int, list[int]], start: int) -> set[int]:
    found, waiting = set(), [start]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += graph.get(one, [])
    return found


@given(GRAPHS, NODES)
def test_all_that_can_be_reached_is_and_each_is_stepped_from_once(graph: dict[int, list[int]], start: int) -> None:
    asked: list[list[Key]] = []
    found = walk(key(start), stepping(graph, asked), 1_000)
    there = reached(graph, start)
    assert found.whole
    assert {number for _, number in found.beyond} == there
    stepped = [one for level in asked for one in level]
    assert len(stepped) == len(set(stepped)) == len(there)
    assert sum(found.counts().values()) == len(there) - 1
    assert set(found.ends()) == {key(one) for one in there if not graph.get(one) and one != start}


@given(GRAPHS, NODES, st.integers(1, 12))
def test_a_walk_that_breaks_off_says_so(graph: dict[int, list[int]], start: int, most: int) -> None:
    found = walk(key(start), stepping(graph, []), most)
    assert len(found.beyond) <= most
    assert found.whole == (len(reached(graph, start)) <= most)
    for near, further in found.beyond.items():
        assert set(further) <= set(found.beyond), near


@given(GRAPHS, NODES, st.integers(1, 6))
def test_what_is_shown_hangs_together_and_counts_the_rest(graph: dict[int, list[int]], start: int, fan: int) -> None:
    found = walk(key(start), stepping(graph, []), 1_000)
    kept = shown(found, fan)
    names = set(kept.left_out)
    for near, far, _ in kept.links:
        assert {near, far} <= names
    by_link = reached({near[1]: [far[1] for one, far, _ in kept.links if one == near] for near in names}, start)
    assert {number for _, number in names} == by_link, "each is reached by what is shown"
    for near, left_out in kept.left_out.items():
        assert left_out == sum(far not in names for far in found.beyond[near])
    if fan >= 6:
        assert names == set(found.beyond)


def test_a_sample_goes_all_the_way() -> None:
    """Of a merge of a thousand jobs, each of one file, files are among what is shown."""
    graph = {0: list(range(1, 2001, 2)), **{job: [job + 1] for job in range(1, 2001, 2)}}
    found = walk(key(0), stepping(graph, []), 10_000)
    kept = shown(found, 3)
    assert [kind for kind, _ in kept.left_out] == ["dataset", *["job"] * 3, *["dataset"] * 3]
    assert kept.left_out[key(0)] == 997
