# ruff: noqa: E402 - Django is set up before its models can be imported
"""Run by test_queries.py in a process of its own for each database: the writer's SQL against the real tables.

Prints a JSON object: the name of each story, and nothing or the traceback it ended in.
"""

import json
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "p3s.server.project.settings"

import django

django.setup()

from django.core.management import call_command
from django.db import IntegrityError, OperationalError, connection, transaction

from p3s.domain.effects import (
    HostDoubted,
    HostTrusted,
    JobAdded,
    JobDispatched,
    JobEnded,
    JobHeld,
    JobReturned,
    JobStarted,
    KillOrdered,
    LaneAnswered,
    Noted,
    PilotAdded,
    PilotMoved,
    Queued,
    Spec,
    Submitted,
    TypeDeclared,
)
from p3s.protocol.errors import Conflict, NotKnown
from p3s.protocol.messages import ANYWHERE, Instruction, JobTypeSpec, Needs, Order, Report
from p3s.protocol.states import JobState, PilotState
from p3s.server.accounts import queries as accounts
from p3s.server.accounts.grants import Grant, Grants
from p3s.server.accounts.seals import digest
from p3s.server.actions.work import Work, record
from p3s.server.broker import Broker, Settings, use
from p3s.server.broker.stories import Request
from p3s.server.data import reads as datasets
from p3s.server.jobs import queries as jobs
from p3s.server.jobs import waiting
from p3s.server.jobs.models import Job, JobLog, JobType, Submission
from p3s.server.journal.models import Event
from p3s.server.pilots import queries as pilots
from p3s.server.pilots.models import Pilot
from p3s.server.project.admin import by_writer
from p3s.server.sql import Disagreement, Transaction

NOW = 1_700_000_000.0
PLAIN = ("plain", 0, ANYWHERE, 1.5)


def uuid_of(number: int) -> str:
    return f"{number:08d}-0000-7000-8000-000000000000"


def add(number: int, jobtype: str = "plain", priority: int = 0, **columns: Any) -> JobAdded:
    jobs.declare([TypeDeclared(JobTypeSpec(jobtype), NOW)])
    given = {"name": "n", "owner": "ana", "input": "", "env": {"A": "é"}, **columns}
    effect = JobAdded(
        number,
        uuid_of(number),
        jobtype,
        priority,
        JobState.DEFINED,
        Spec("true", {"A": "é"}, 1.5, since=NOW),
        NOW,
        given,
    )
    jobs.add([effect])
    return effect


def pilot(name: str = "p") -> None:
    pilots.add([PilotAdded(name, "host", "site", 4, 300.0, "hash", "ana", NOW, {"version": "1"})])


def dispatch(number: int, attempt: int = 1, order: int = 1) -> None:
    jobs.dispatch([JobDispatched(number, uuid_of(number), attempt, "plain", 0, Spec("true"), "p", order, NOW)])


def hold(number: int) -> None:
    jobs.hold([JobHeld(Queued(number, uuid_of(number), 0, "plain", 0, Spec("true")), NOW)])


def refused(act: Callable[[], None]) -> None:
    """It must disagree, and leave the row as it was."""
    before = list(Job.objects.order_by("id").values())
    try:
        with transaction.atomic():
            act()
    except Disagreement:
        assert list(Job.objects.order_by("id").values()) == before
        return
    raise AssertionError("a row that was not as expected was changed")


def end(number: int, before: JobState, after: JobState, attempt: int = 1, **report: Any) -> None:
    said = Report(uuid_of(number), attempt, after.value, **report)
    jobs.end([JobEnded(number, uuid_of(number), attempt, before, after, "why", NOW + 9, NOW + 1, said)])


# ---- stories


def an_added_job_is_read_back_as_it_was() -> None:
    effect = add(1)
    (queued,), more = waiting.queued(PLAIN, "fifo", 10)
    assert not more
    assert (queued.id, queued.job, queued.attempt, queued.spec) == (1, effect.job, 0, effect.spec)
    assert waiting.classes() == [(PLAIN, 1)]
    assert waiting.last_id() == 1
    assert waiting.types() == {"plain": JobTypeSpec("plain")}


def the_head_of_a_queue_is_the_oldest_and_says_if_there_is_more() -> None:
    for number in range(1, 6):
        add(number)
    add(6, "other")
    add(7, priority=3)
    found, more = waiting.queued(PLAIN, "fifo", 3)
    assert ([job.id for job in found], more) == ([1, 2, 3], True)
    found, more = waiting.queued(PLAIN, "fifo", 5)
    assert ([job.id for job in found], more) == ([1, 2, 3, 4, 5], False)
    assert sorted((key[:2], n) for key, n in waiting.classes()) == [
        (("other", 0), 1),
        (("plain", 0), 5),
        (("plain", 3), 1),
    ]


def the_input_s_variables_come_back_after_a_restart() -> None:
    add(1, input="file:///data/x.root", run=7, subrun=2, keys={"apa": 3})
    (queued,), _ = waiting.queued(PLAIN, "fifo", 10)
    assert queued.spec.env["P3S_INPUT_PATH"] == "/data/x.root"
    assert (queued.spec.env["P3S_RUN"], queued.spec.env["P3S_SUBRUN"], queued.spec.env["P3S_KEY_APA"]) == (
        "7",
        "2",
        "3",
    )


def a_queued_job_is_dispatched_once() -> None:
    add(1)
    pilot()
    dispatch(1)
    refused(lambda: dispatch(1))
    refused(lambda: dispatch(1, attempt=2))
    (out,) = waiting.out()
    assert (out.job, out.attempt, out.state, out.pilot, out.number) == (uuid_of(1), 1, JobState.DISPATCHED, "p", 1)


def a_job_that_is_handed_out_as_it_comes_is_written_once() -> None:
    pilot()
    effect = replace(add(1), id=2, job=uuid_of(2))
    record([effect, JobDispatched(2, uuid_of(2), 1, "plain", 0, Spec("true"), "p", 7, NOW + 1)])
    (out,) = waiting.out()
    assert (out.job, out.attempt, out.state, out.pilot, out.number) == (uuid_of(2), 1, JobState.DISPATCHED, "p", 7)
    assert Job.objects.get(id=2).dispatched_at == NOW + 1
    assert Job.objects.get(id=1).state == "defined"


def a_dispatch_that_names_another_attempt_is_refused() -> None:
    add(1)
    pilot()
    refused(lambda: dispatch(1, attempt=2))
    refused(lambda: dispatch(1, attempt=0))


def one_wrong_row_refuses_the_whole_statement() -> None:
    add(1)
    pilot()
    both = [JobDispatched(n, uuid_of(n), 1, "plain", 0, Spec("true"), "p", n, NOW) for n in (1, 2)]
    refused(lambda: jobs.dispatch(both))


def only_a_dispatched_job_of_that_attempt_starts() -> None:
    add(1)
    pilot()
    refused(lambda: jobs.start([JobStarted(1, uuid_of(1), 0, NOW)]))
    dispatch(1)
    refused(lambda: jobs.start([JobStarted(1, uuid_of(1), 2, NOW)]))
    jobs.start([JobStarted(1, uuid_of(1), 1, NOW + 1)])
    refused(lambda: jobs.start([JobStarted(1, uuid_of(1), 1, NOW)]))
    assert Job.objects.get(id=1).started_at == NOW + 1


def a_refused_order_is_queued_again_and_goes_out_as_the_next_attempt() -> None:
    add(1)
    pilot()
    dispatch(1)
    refused(lambda: jobs.give_back([JobReturned(1, uuid_of(1), 2, "full", NOW)]))
    jobs.give_back([JobReturned(1, uuid_of(1), 1, "full", NOW)])
    (queued,), _ = waiting.queued(PLAIN, "fifo", 10)
    assert queued.attempt == 1
    assert waiting.out() == []
    dispatch(1, attempt=2, order=2)
    jobs.start([JobStarted(1, uuid_of(1), 2, NOW)])
    refused(lambda: jobs.give_back([JobReturned(1, uuid_of(1), 2, "late", NOW)]))


def an_end_writes_what_was_measured_and_the_tails() -> None:
    add(1)
    pilot()
    dispatch(1)
    measured = {"exit_code": 3, "wall_s": 1.5, "cpu_s": 0.5, "peak_memory": 2**40}
    end(1, JobState.DISPATCHED, JobState.FAILED, stdout="a\0b", stderr="é", detail="no such file", **measured)
    row = Job.objects.get(id=1)
    assert (row.state, row.reason, row.ended_at, row.started_at) == ("failed", "why", NOW + 9, NOW + 1)
    assert {name: getattr(row, name) for name in measured} == measured
    log = JobLog.objects.get(job_id=1)
    assert (log.stdout, log.stderr) == ("a\N{REPLACEMENT CHARACTER}b", "é\n[p3s] no such file")
    refused(lambda: end(1, JobState.DISPATCHED, JobState.FINISHED))
    refused(lambda: end(1, JobState.RUNNING, JobState.FINISHED))


def an_end_keeps_the_start_that_was_reported() -> None:
    add(1)
    pilot()
    dispatch(1)
    jobs.start([JobStarted(1, uuid_of(1), 1, NOW + 5)])
    end(1, JobState.RUNNING, JobState.FINISHED)
    assert Job.objects.get(id=1).started_at == NOW + 5


def a_lost_job_is_amended_and_its_tails_replaced() -> None:
    add(1)
    pilot()
    dispatch(1)
    end(1, JobState.DISPATCHED, JobState.LOST, stdout="first")
    end(1, JobState.LOST, JobState.FINISHED, stdout="second")
    assert [log.stdout for log in JobLog.objects.filter(job_id=1)] == ["second"]
    refused(lambda: end(1, JobState.LOST, JobState.FAILED))


def a_kill_is_written_for_what_is_out_and_survives_a_restart() -> None:
    add(1)
    pilot()
    refused(lambda: jobs.order_kill([KillOrdered(1, uuid_of(1), 0, "p", 2, "ana")]))
    dispatch(1)
    refused(lambda: jobs.order_kill([KillOrdered(1, uuid_of(1), 2, "p", 2, "ana")]))
    jobs.order_kill([KillOrdered(1, uuid_of(1), 1, "p", 2, "ana")])
    (out,) = waiting.out()
    assert (out.kill_number, out.cancelled_by) == (2, "ana")


def what_is_out_comes_in_the_order_in_which_it_was_ordered() -> None:
    pilot()
    for number in (1, 2, 3):
        add(number)
    for number, order in ((3, 1), (1, 2), (2, 3)):
        dispatch(number, order=order)
    assert [out.id for out in waiting.out()] == [3, 1, 2]


def a_submission_is_known_by_its_key() -> None:
    for number in (1, 2, 3):
        add(number)
    assert waiting.submission("ana:k") is None
    jobs.submitted([Submitted("ana:k", "f" * 64, 2, 2, NOW)])
    assert waiting.submission("ana:k") == ("f" * 64, [uuid_of(2), uuid_of(3)])


def a_key_that_is_there_undoes_all_that_comes_with_it() -> None:
    add(1)
    jobs.submitted([Submitted("ana:k", "f" * 64, 1, 1, NOW)])
    try:
        with Transaction() as writing, writing.last():
            hold(1)
            jobs.submitted([Submitted("ana:k", "0" * 64, 9, 9, NOW)])
    except IntegrityError:
        pass
    else:
        raise AssertionError("a key was used twice")
    assert waiting.submission("ana:k") == ("f" * 64, [uuid_of(1)])
    assert Job.objects.get(id=1).state == "defined"


def a_change_of_many_rows_counts_each_of_them() -> None:
    for number in range(1, 6):
        add(number)
    queued = [JobHeld(Queued(number, uuid_of(number), 0, "plain", 0, Spec("true")), NOW) for number in range(1, 7)]
    jobs.hold(queued[:2])
    assert [job.state for job in Job.objects.order_by("id")] == ["held"] * 2 + ["defined"] * 3
    for some in (queued[1:4], queued[3:6], [queued[2], queued[2]]):  # held before; not there; twice
        refused(lambda some=some: jobs.hold(some))  # type: ignore[misc]
    jobs.hold(queued[2:5])
    assert {job.state for job in Job.objects.all()} == {"held"}


def what_is_written_in_one_go_stands_or_falls_together() -> None:
    for number in (1, 2, 3):
        add(number)
    pilot()
    for opened in (False, True):
        try:
            with Transaction() as writing:
                if opened:
                    writing.begin()
                with writing.last():
                    dispatch(1)
                    hold(2)
                    jobs.start([JobStarted(3, uuid_of(3), 1, NOW)])
                    dispatch(3)
        except Disagreement as error:
            said = str(error)
        else:
            raise AssertionError("a row that was not as expected was changed")
        assert said.startswith("jobs started: 0 ")
        assert set(Job.objects.values_list("state", flat=True)) == {"defined"}
    with Transaction() as writing, writing.last():
        dispatch(1)
        jobs.start([JobStarted(1, uuid_of(1), 1, NOW)])
    assert Job.objects.get(id=1).state == "running"


def models_are_barred_where_no_transaction_was_begun() -> None:
    add(1)
    try:
        with Transaction() as writing, writing.last():
            hold(1)
            Job.objects.filter(id=1).update(state="finished")
    except AssertionError:
        pass
    else:
        raise AssertionError("Django would have committed half of it")
    assert Job.objects.get(id=1).state == "defined"


def what_was_undone_within_is_not_taken_for_committed() -> None:
    """A request of the admin site keeps errors to itself; what came with it would be answered as if it was stored."""
    try:
        with Transaction() as writing:
            writing.begin()
            add(1)
            with suppress(Undone), transaction.atomic(savepoint=False):
                raise Undone
    except OperationalError:
        pass
    else:
        raise AssertionError("nobody was told")
    assert not Job.objects.exists()


def a_story_that_is_refused_leaves_nothing_and_takes_nothing_with_it() -> None:
    broker = Broker(Settings(), Grants(b"secret", dict), lambda _: None, lambda _: None)
    answers: dict[str, Any] = {}

    def wanted(work: Work) -> str:
        work.desk.declare(JobTypeSpec("wanted"), "ana")
        return "done"

    def wrote(_: Work) -> None:
        JobType.objects.create(name="written", created_at=NOW)
        raise NotKnown("something else")

    def decided(work: Work) -> None:
        work.desk.declare(JobTypeSpec("decided"), "ana")
        work.flush()
        raise Conflict("it was so before")

    def told(*stories: Callable[[Work], Any], quiet: bool = False) -> None:
        broker._tell([Request(one, partial(answers.__setitem__, one.__name__), quiet) for one in stories])
        names = set(JobType.objects.values_list("name", flat=True))
        assert names == {"wanted"}
        assert broker.stale or names == broker._book.types.keys()

    told(wanted, wrote)
    assert (answers["wanted"], type(answers["wrote"])) == ("done", NotKnown), answers
    assert not broker.stale, "the book knows nothing of it"
    for quiet in (False, True):
        told(wanted, decided, quiet=quiet)
        assert type(answers["decided"]) is Conflict
        told(decided, quiet=quiet)


def an_answer_that_cannot_be_given_undoes_nothing_and_keeps_no_other() -> None:
    broker = Broker(Settings(), Grants(b"secret", dict), lambda _: None, lambda _: None)
    times, answered = [], []

    def story(work: Work) -> None:
        times.append(work.desk.declare(JobTypeSpec(f"t{len(times)}"), "ana"))

    def gone(_: Any) -> None:
        raise RuntimeError("the loop is closed")

    broker._tell([Request(story, gone), Request(story, answered.append)])
    assert (times, answered, broker.stale) == ([True, True], [None], "")
    assert JobType.objects.count() == 2


def what_the_admin_site_noted_is_undone_with_what_it_did() -> None:
    broker = Broker(Settings(), Grants(b"secret", dict), lambda _: None, lambda _: None)

    class Running:
        grants = broker.grants

        def ask(self, story: Callable[[Work], Any]) -> Any:
            found: list[Any] = []
            broker._tell([Request(story, found.append)])
            return found[0]

    request: Any = SimpleNamespace(POST={}, FILES={})

    def view() -> None:
        JobType.objects.create(name="made", created_at=NOW)
        for what in ("made", "changed"):
            request.work.desk.do([Noted("user", "eve", what, "ana", "in the admin site", NOW)])
            if what == "made":
                request.work.flush()
        raise ValueError("broken")

    use(Running())  # type: ignore[arg-type] # what `by_writer` needs of a broker
    try:
        by_writer(view, request)
    except ValueError:
        pass
    else:
        raise AssertionError("nobody was told")
    assert not JobType.objects.exists()
    assert not Event.objects.filter(object_id="eve").exists()


def a_job_type_is_read_back_and_set_again() -> None:
    jobs.declare([TypeDeclared(JobTypeSpec("t"), NOW)])
    spec = JobTypeSpec("t", 3, 0, "deadline", 60.0, 90.0, 10.0, 2, True, ("run", "apa"))
    jobs.declare([TypeDeclared(spec, NOW + 1)])
    assert waiting.types() == {"t": spec}


def of_several_judgements_on_a_host_in_one_transaction_the_last_one_stands() -> None:
    doubted, trusted = HostDoubted("h", "t", "why", NOW, 60.0, NOW + 60), HostTrusted("h", "t")
    pilots.judge_hosts([doubted, trusted])
    assert pilots.doubts() == []
    pilots.judge_hosts([trusted, doubted, HostDoubted("h", "", "all", NOW, 60.0, NOW + 60)])
    assert [(host, doubt.jobtype, doubt.probe_at) for host, doubt in pilots.doubts()] == [
        ("h", "t", NOW + 60),
        ("h", "", NOW + 60),
    ]
    pilots.judge_hosts([HostDoubted("h", "t", "why", NOW, 120.0, NOW + 180), HostTrusted("h", "")])
    assert [(doubt.jobtype, doubt.pause_s) for _, doubt in pilots.doubts()] == [("t", 120.0)]


def a_job_is_returned_and_left_out_in_one_transaction() -> None:
    add(1)
    pilot()
    dispatch(1)
    returned = JobReturned(1, uuid_of(1), 1, "why", NOW, failed="nonstarter")
    dropped = JobEnded(1, uuid_of(1), 1, JobState.DEFINED, JobState.DROPPED, "stale", NOW)
    record([returned, dropped])
    row = Job.objects.get(id=1)
    assert (row.state, row.retried, row.reason) == ("dropped", 1, "stale")


def heads_come_in_the_order_of_each_pick() -> None:
    for number, eta in enumerate([None, 30.0, 10.0, None, 20.0], 1):
        spec = Spec("true", {}, 1.5, eta_at=eta, since=NOW)
        jobs.declare([TypeDeclared(JobTypeSpec("plain"), NOW)])
        given = {"name": "n", "owner": "ana", "input": "", "env": {}}
        jobs.add([JobAdded(number, uuid_of(number), "plain", 0, JobState.DEFINED, spec, NOW, given)])
    for pick, order in (("fifo", [1, 2, 3, 4, 5]), ("freshest", [5, 4, 3, 2, 1]), ("deadline", [3, 5, 2, 1, 4])):
        for limit in (2, 3, 4, 5):
            found, more = waiting.queued(PLAIN, pick, limit)
            assert ([job.id for job in found], more) == (order[:limit], limit < 5)


def same(*numbers: int, state: str = "defined") -> None:
    """Jobs that supersede one another."""
    for number in numbers:
        add(number)
    Job.objects.filter(id__in=numbers).update(same="run 7", state=state)


def what_is_queued_is_superseded_by_what_came_later_whatever_became_of_that() -> None:
    same(1, 3, 5)
    same(2, state="running")
    same(6, state="finished")
    add(4)
    assert [job.id for job in waiting.older("run 7", 5)] == [1, 3]
    assert [waiting.newer(number) for number in (1, 3, 5)] == [uuid_of(6)] * 3
    assert [waiting.newer(number) for number in (2, 4, 6, 99)] == [""] * 4


def the_queue_is_read_by_its_own_indexes() -> None:
    """However long it is. PostgreSQL decides by what it counted, so it cannot be asked here."""
    asked = {
        waiting.STALE: ("job_stale", (NOW, 9)),
        waiting.NEXT_STALE: ("job_stale", (NOW,)),
        waiting.OLDER: ("job_same", ("same", 9)),
        waiting.NEWER: ("job_newest", (9,)),
        waiting.CLASSES: ("job_queue", ()),
        **{one: ("job_queue", ("t", 0, "", 0.0, 9)) for pick in ("fifo", "freshest") for one in waiting._FIRST[pick]},
        waiting._FIRST["deadline"][0]: ("job_deadline", ("t", 0, "", 0.0, 9)),
    }
    if connection.vendor == "sqlite":
        for query, (index, parameters) in asked.items():
            plan = " ".join(row[3] for row in waiting._rows(f"EXPLAIN QUERY PLAN {query}", parameters))
            assert f"USING INDEX {index}" in plan, plan
            assert "ORDER BY" not in plan, plan


def files_of_a_stream_are_read_newest_first_without_sorting_all_it_had() -> None:
    if connection.vendor == "sqlite":
        plan = datasets.chosen(datasets.Choice(stream="s"), (NOW, uuid_of(1)))[:9].explain()
        assert "USING INDEX dataset_latest" in plan, plan
        assert "SEARCH U0 USING COVERING INDEX" in plan, plan


def needs_make_classes_of_their_own() -> None:
    jobs.declare([TypeDeclared(JobTypeSpec("plain"), NOW)])
    needs = Needs(2, 10**9, 1, "site", ("a", "b"), "apptainer")
    given = {"name": "n", "owner": "ana", "input": "", "env": {}}
    add(1)
    jobs.add([JobAdded(2, uuid_of(2), "plain", 0, JobState.DEFINED, Spec("true", {}, 1.5, needs), NOW, given)])
    classes = dict(waiting.classes())
    assert len(classes) == 2
    (key,) = [key for key in classes if key != PLAIN]
    (queued,), _ = waiting.queued(key, "fifo", 9)
    assert (queued.id, queued.spec.needs) == (2, needs)


def the_past_of_jobs_is_known_and_unknown_ones_are_left_out() -> None:
    add(1)
    found = waiting.past([uuid_of(1), "nobody"])
    assert set(found) == {uuid_of(1)}
    assert (found[uuid_of(1)].state, found[uuid_of(1)].pilot) == (JobState.DEFINED, "")


def a_pilot_moves_only_from_the_state_it_is_in() -> None:
    pilot()
    pilots.move([PilotMoved("p", PilotState.ACTIVE, PilotState.DRAINING, "asked", NOW, NOW)])
    assert pilots.in_service()[0].state is PilotState.DRAINING
    try:
        with transaction.atomic():
            pilots.move([PilotMoved("p", PilotState.ACTIVE, PilotState.LOST, "late", NOW, NOW)])
    except Disagreement:
        pass
    else:
        raise AssertionError("a pilot that was not as expected was moved")
    pilots.move([PilotMoved("p", PilotState.DRAINING, PilotState.STOPPED, "bye", NOW + 1, NOW + 0.5)])
    assert pilots.in_service() == []
    row = Pilot.objects.get(uuid="p")
    assert (row.ended_at, row.last_seen_at) == (NOW + 1, NOW + 0.5)
    assert pilots.known("p") == "hash"
    assert pilots.known("nobody") is None


def an_empty_renewal_writes_nothing_and_an_order_writes_the_lane() -> None:
    pilot()
    pilots.write_lanes([LaneAnswered("p", 9, 3, [], [], [])])
    assert Pilot.objects.get(uuid="p").seq == 0
    pilots.write_lanes([LaneAnswered("p", 9, 3, [], [Instruction(0, "kill", "", "x", 1)])])
    assert Pilot.objects.get(uuid="p").seq == 0
    pilots.write_lanes([LaneAnswered("p", 9, 3, [Order(4, "a", 1, "", ""), Order(6, "b", 1, "", "")], [])])
    row = Pilot.objects.get(uuid="p")
    assert (row.seq, row.acked, row.numbered) == (9, 3, 6)


def finished_jobs_are_read_back_in_the_order_in_which_they_ended_so_many_of_a_type() -> None:
    pilot()
    for number, jobtype in enumerate(["often", "often", "often", "often", "seldom", "often"], start=1):
        add(number, jobtype)
        dispatch(number)
        how = JobState.FAILED if number == 2 else JobState.FINISHED
        said = Report(uuid_of(number), 1, how.value, wall_s=float(number))
        row = (number, uuid_of(number), 1, JobState.DISPATCHED, how, "", NOW - number, NOW - 9, said)
        jobs.end([JobEnded(*row)])
    add(7, "often")
    assert waiting.finished(2) == [("often", "host", 6.0), ("seldom", "host", 5.0), ("often", "host", 4.0)]


def stale_jobs_are_read_and_when_the_next_one_is() -> None:
    jobs.declare([TypeDeclared(JobTypeSpec("plain"), NOW)])
    given = {"name": "n", "owner": "ana", "input": "", "env": {}}
    for number, stale_at in enumerate([NOW + 5, NOW - 1, None, NOW - 2, NOW + 9], start=1):
        spec = Spec("true", {}, 1.5, since=NOW, stale_at=stale_at)
        jobs.add([JobAdded(number, uuid_of(number), "plain", 0, JobState.DEFINED, spec, NOW, given)])
    found, more_at = waiting.stale(NOW, 10)
    assert ([job.id for job in found], more_at) == ([4, 2], NOW + 5)
    assert waiting.stale(NOW, 1)[1] == NOW - 2, "there may be more that are stale already"
    assert [waiting.stale(moment, 10)[1] for moment in (NOW + 5, NOW + 9)] == [NOW + 9, float("inf")]


def when_pilots_were_heard_is_written_in_bulk() -> None:
    for name in ("p", "q"):
        pilot(name)
    pilots.flush_seen([("p", NOW + 5), ("q", NOW + 6), ("nobody", NOW)])
    assert {row.uuid: row.last_seen_at for row in Pilot.objects.all()} == {"p": NOW + 5, "q": NOW + 6}


def tokens_in_force_are_neither_expired_nor_revoked() -> None:
    from p3s.server.accounts.models import Token

    for name in ("good", "revoked", "expired"):
        accounts.add(name, name=name, owner="ana", scopes="read submit", now=NOW)
    accounts.add("good", name="again", owner="other", scopes="admin", now=NOW)
    Token.objects.filter(name="revoked").update(revoked_at=NOW)
    Token.objects.filter(name="expired").update(expires_at=NOW)
    assert accounts.valid(NOW + 1) == {digest("good"): Grant("ana", frozenset({"read", "submit"}))}
    assert accounts.secret() == accounts.secret()


STORIES = [
    an_added_job_is_read_back_as_it_was,
    the_head_of_a_queue_is_the_oldest_and_says_if_there_is_more,
    the_input_s_variables_come_back_after_a_restart,
    a_queued_job_is_dispatched_once,
    a_job_that_is_handed_out_as_it_comes_is_written_once,
    a_dispatch_that_names_another_attempt_is_refused,
    one_wrong_row_refuses_the_whole_statement,
    only_a_dispatched_job_of_that_attempt_starts,
    a_refused_order_is_queued_again_and_goes_out_as_the_next_attempt,
    an_end_writes_what_was_measured_and_the_tails,
    an_end_keeps_the_start_that_was_reported,
    a_lost_job_is_amended_and_its_tails_replaced,
    a_kill_is_written_for_what_is_out_and_survives_a_restart,
    what_is_out_comes_in_the_order_in_which_it_was_ordered,
    a_submission_is_known_by_its_key,
    a_job_type_is_read_back_and_set_again,
    of_several_judgements_on_a_host_in_one_transaction_the_last_one_stands,
    a_job_is_returned_and_left_out_in_one_transaction,
    heads_come_in_the_order_of_each_pick,
    needs_make_classes_of_their_own,
    what_is_queued_is_superseded_by_what_came_later_whatever_became_of_that,
    the_queue_is_read_by_its_own_indexes,
    files_of_a_stream_are_read_newest_first_without_sorting_all_it_had,
    the_past_of_jobs_is_known_and_unknown_ones_are_left_out,
    a_pilot_moves_only_from_the_state_it_is_in,
    an_empty_renewal_writes_nothing_and_an_order_writes_the_lane,
    finished_jobs_are_read_back_in_the_order_in_which_they_ended_so_many_of_a_type,
    stale_jobs_are_read_and_when_the_next_one_is,
    when_pilots_were_heard_is_written_in_bulk,
    tokens_in_force_are_neither_expired_nor_revoked,
    a_key_that_is_there_undoes_all_that_comes_with_it,
    a_change_of_many_rows_counts_each_of_them,
    what_is_written_in_one_go_stands_or_falls_together,
    models_are_barred_where_no_transaction_was_begun,
    what_was_undone_within_is_not_taken_for_committed,
    a_story_that_is_refused_leaves_nothing_and_takes_nothing_with_it,
    an_answer_that_cannot_be_given_undoes_nothing_and_keeps_no_other,
    what_the_admin_site_noted_is_undone_with_what_it_did,
]

#: Those that make transactions of their own.
OUTERMOST = {
    a_key_that_is_there_undoes_all_that_comes_with_it,
    what_is_written_in_one_go_stands_or_falls_together,
    models_are_barred_where_no_transaction_was_begun,
    what_was_undone_within_is_not_taken_for_committed,
    a_story_that_is_refused_leaves_nothing_and_takes_nothing_with_it,
    an_answer_that_cannot_be_given_undoes_nothing_and_keeps_no_other,
    what_the_admin_site_noted_is_undone_with_what_it_did,
}


class Undone(Exception):
    """Ends a story's transaction, so that the next one finds empty tables."""


def main() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    outcome = {}
    for story in STORIES:
        try:
            with nullcontext() if story in OUTERMOST else transaction.atomic():
                story()
                raise Undone
        except Undone:
            outcome[story.__name__] = ""
        except BaseException:  # noqa: BLE001 - the parent process tells it
            outcome[story.__name__] = traceback.format_exc()
        for table in (Job, JobType, Submission, Pilot):
            table.objects.all().delete()
    json.dump(outcome, sys.stdout)


main()
