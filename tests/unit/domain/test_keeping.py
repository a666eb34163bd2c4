"""Which files of workflows may be deleted because their keep ran out: over all that may be, and by example."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from p3s.domain.workflows.keeping import Do, Kept, Writer, first_due, inside, judge, notes, place_of, plain
from p3s.domain.workflows.plan import Plan, PlannedFile, PlannedNode
from p3s.protocol.messages import JobSpec
from p3s.protocol.states import DatasetState

DAY = 86_400.0
moments = some.one_of(some.none(), some.floats(0, 100 * DAY))
writers = some.builds(
    lambda keep, state, end: Writer(keep, state != "open", state == "finished", end),
    some.one_of(some.none(), some.floats(0, 50 * DAY)),
    some.sampled_from(["open", "finished", "failed"]),
    moments,
)
names = some.sampled_from(["/w", "/w/a", "/w/../etc/a", "/w/./a", "/wider/a", "w/a", "/w//a", "root://h/w/a", "/", ""])
files = some.builds(
    Kept,
    path=names,
    directory=some.sampled_from(["/w", "/w/", "/", "w", ""]),
    state=some.sampled_from([str(state) for state in DatasetState]),
    made=some.booleans(),
    deleted=some.booleans(),
    writers=some.lists(writers, max_size=3).map(tuple),
    open_readers=some.integers(0, 2),
    sets=some.sampled_from([(), ("golden",)]),
)


@given(files, some.floats(0, 200 * DAY))
def test_nothing_is_deleted_that_somebody_may_want(file: Kept, now: float) -> None:
    if judge(file, now).do is not Do.DELETE:
        return
    assert file.path in ("/w/a", "/w/./a", "/w//a")
    assert file.directory in ("/w", "/w/")
    assert file.made
    assert not file.open_readers
    assert not file.sets
    assert any(writer.finished for writer in file.writers)
    for writer in file.writers:
        assert writer.ended
        assert writer.keep is not None
        assert writer.workflow_ended_at is not None
        assert now >= writer.workflow_ended_at + writer.keep
    assert file.state == "available" or (file.state == "dropped" and file.deleted)


@given(files, some.floats(0, 200 * DAY), some.floats(0, 100 * DAY))
def test_what_is_never_deleted_now_is_not_later_either(file: Kept, now: float, wait: float) -> None:
    before, after = judge(file, now), judge(file, now + wait)
    if before.do is Do.NEVER:
        assert after.do is Do.NEVER
    if before.do is Do.DELETE:
        assert after.do is Do.DELETE
    assert before.why


@given(files, some.floats(0, 200 * DAY))
def test_a_file_that_waits_for_its_time_alone_goes_when_it_has_come(file: Kept, now: float) -> None:
    verdict = judge(file, now)
    if verdict.do is Do.LATER and verdict.at is not None and verdict.at > now:
        then = judge(file, verdict.at)
        assert then.do is not Do.LATER or file.open_readers


def kept(**otherwise: Any) -> Kept:
    plainly = Kept("/w/a", "/w", "available", True, False, (Writer(1 * DAY, True, True, 10 * DAY),))
    return replace(plainly, **otherwise)


@pytest.mark.parametrize(
    ("otherwise", "do", "words"),
    [
        ({}, Do.DELETE, "its keep has run out"),
        ({"open_readers": 2}, Do.LATER, "2 jobs that read or write it have not ended"),
        ({"path": "/elsewhere/a"}, Do.NEVER, "outside of its workflow's directory"),
        ({"made": False}, Do.NEVER, "it was known before a workflow wrote it"),
        ({"writers": (Writer(DAY, True, True, 10 * DAY), Writer(None, True, True, DAY))}, Do.NEVER, "for good"),
        ({"writers": (Writer(DAY, True, True, 10 * DAY), Writer(DAY, False, False, None))}, Do.LATER, "goes on"),
        ({"writers": (Writer(DAY, True, True, None),)}, Do.LATER, "goes on"),
        ({"writers": (Writer(DAY, True, True, 10 * DAY), Writer(9 * DAY, True, False, 4 * DAY))}, Do.LATER, "kept"),
        ({"writers": (Writer(DAY, True, False, 10 * DAY),)}, Do.NEVER, "no job wrote it to its end"),
        ({"sets": ("golden",)}, Do.NEVER, "set golden has it"),
        ({"state": "missing"}, Do.NEVER, "it is missing"),
        ({"state": "dropped"}, Do.NEVER, "it is dropped"),
        ({"state": "dropped", "deleted": True}, Do.DELETE, "its keep has run out"),
    ],
)
def test_why_a_file_goes_or_stays(otherwise: dict[str, Any], do: Do, words: str) -> None:
    verdict = judge(kept(**otherwise), 11.5 * DAY)
    assert (verdict.do, words in verdict.why) == (do, True), verdict


@pytest.mark.parametrize(
    ("path", "directory", "is_inside"),
    [
        ("/w/a", "/w", True),
        ("/w//b/./a", "/w/", True),
        ("/w", "/w", False),
        ("/wide/a", "/w", False),
        ("/w/b/../../etc/passwd", "/w", False),
        ("/etc/passwd", "/", False),
        ("root://h//w/a", "root://h//w", False),
    ],
)
def test_a_path_is_inside_a_directory_by_its_names_alone(path: str, directory: str, is_inside: bool) -> None:
    assert inside(path, directory) is is_inside


def test_a_directory_is_at_or_below_a_place() -> None:
    places = ["/server/workflow-files", "/shared/"]
    assert place_of("/shared/calib/x", places) == "/shared/"
    assert place_of("/shared", places) == "/shared/"
    assert place_of("/server", places) == ""
    assert place_of("/shared/../etc", places) == ""
    assert plain("/a/./b//c") == "/a/b/c"


def planned(*files: PlannedFile) -> Plan:
    return Plan([PlannedNode("n", None, JobSpec("true"), outputs=files)])


def test_who_starts_a_workflow_is_told_what_stays_although_it_has_a_keep() -> None:
    inner, outer = PlannedFile("n.A", "A", "/w/a", keep=DAY), PlannedFile("n.B", "B", "/b", keep=2 * DAY)
    plan = planned(inner, outer, PlannedFile("n.C", "C", "/w/c"))
    assert notes(plan, "/w", ["/w"]) == ["n.B: has a keep, but /b is not in the workflow's directory and stays"]
    (_, more) = notes(plan, "/w", ["/x"])
    assert more.startswith("keep: this server deletes only below /x; files in /w stay")
    assert notes(planned(PlannedFile("n.C", "C", "/b")), "/w", ["/x"]) == []
    assert first_due(plan, "/w") == DAY
    assert first_due(planned(outer), "/w") is None
