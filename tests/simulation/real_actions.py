# ruff: noqa: E402 - Django is set up before its models can be imported
"""Run by test_real_actions.py in a process of its own for each database: seeds of the simulation through the real
broker, actions and SQL, and beside them through the pure rules over the dictionary store.

`python real_actions.py FIRST COUNT [DEFECT]`. Ends with 0 when both did the same throughout, else with
what differs first.
"""

import logging
import os
import random
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "p3s.server.project.settings"

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from real_twin import Differ, DrivenBroker, Twin

from p3s.domain.book import Book
from p3s.domain.effects import Noted, Queued, TypeDeclared
from p3s.domain.pool import PilotEntry
from p3s.domain.queue import PLACES
from p3s.server import sql
from p3s.server.actions import work
from p3s.server.jobs import queries as jobs
from p3s.server.jobs import waiting
from p3s.server.jobs.models import Job, JobLog, JobType, Pause, Submission
from p3s.server.journal import queries as journal
from p3s.server.journal.models import Alarm, Event
from p3s.server.pilots import queries as pilots
from p3s.server.pilots.models import HostDoubt, Pilot
from p3s.server.results import published
from p3s.server.results.models import Item, Result
from p3s.server.sql import Statement
from p3s.simulation.rows import JobRow, PilotRow
from p3s.simulation.store import Broken
from p3s.simulation.world import TYPES
from p3s.simulation.worlds import kind_of


def compare_books(twin: Twin) -> None:
    """The book that lives, its pure twin, and the one that a start would build from the tables now."""
    broker = twin.broker_now
    if broker.stale:
        return
    rebuilt = DrivenBroker(twin, broker.settings)
    rebuilt._rebuild()
    for book in (twin.book, broker.book):
        twin.same("pilots", {name: known(one) for name, one in rebuilt.book.pilots.items()}, pilots_of(twin, book))
        twin.same("what is out", rebuilt.book.out, book.out)
        twin.same("in use", +rebuilt.book.in_use, +book.in_use)
        twin.same("next number", rebuilt.book.next_id, book.next_id)
        for key, head in book.queues.heads.items():
            queued = {one.job: one for one in waiting.queued(key, head.pick, 100_000)[0]}
            place = PLACES[head.pick]
            first = {name: one for name, one in queued.items() if head.bound is None or place(one) < head.bound}
            twin.same(f"queue of {key}", first, head.jobs)
            twin.same(f"waiting of {key}", len(queued), head.waiting)
            twin.same("jobs stale before they are looked for", [], early(book, queued.values()))
        twin.same("pauses", rebuilt.book.pauses, book.pauses)
        twin.same("types", rebuilt.book.types, book.types)
        twin.same(
            "doubts", *({(host.name, one.jobtype) for host, one in b.hosts.doubts()} for b in (rebuilt.book, book))
        )


def early(book: Book, queued: Iterable[Queued]) -> list[str]:
    """Jobs that become stale before the book would have the tables asked."""
    return [one.job for one in queued if one.spec.stale_at is not None and one.spec.stale_at < book.queues.stale_from]


def compare_rows(twin: Twin) -> None:
    """Every row of the tables is the dictionary's."""
    names = ("id", "state", "attempt", "pilot_id", "order_number", "kill_number", "cancelled_by", "reason")
    moments = ("started_at", "ended_at", "exit_code", "priority", "retried", "rerun_of", "eta_at", "stale_at")
    rows = {row["uuid"]: tuple(row[name] for name in names + moments) for row in Job.objects.values()}
    twin.same("rows of jobs", rows, {one.job: job_row(one) for one in twin.store.jobs.values()})
    columns = ("host", "slots", "lease_s", "token_hash", "state", "seq", "acked", "numbered")
    found = {row["uuid"]: tuple(row[name] for name in columns) for row in Pilot.objects.values()}
    twin.same("rows of pilots", found, {one.pilot: pilot_row(one) for one in twin.store.pilots.values()})
    submissions = {f"ana:{key}": made for key, made in twin.store.submissions.items()}
    twin.same("submissions", {key: waiting.submission(key)[1] for key in submissions}, submissions)
    events = Event.objects.exclude(kind="stream").order_by("id").values_list(*[one.name for one in fields(Noted)])
    twin.same("events", list(events), [tuple(getattr(one, name.name) for name in fields(Noted)) for one in twin.noted])


def known(entry: PilotEntry) -> tuple[Any, ...]:
    """What of a pilot must survive a crash as it is."""
    told = (entry.instruction, entry.instruction_number, entry.instruction_why)
    return (entry.host, entry.site, entry.slots, entry.state, entry.lease_s, entry.token_hash, sorted(entry.out), *told)


def pilots_of(twin: Twin, book: Book) -> dict[str, tuple[Any, ...]]:
    """By name. `seq` and numbers are written when they reach the pilot, so the tables may be behind; never so far that
    a number would be given again which the pilot has confirmed."""
    rebuilt = {entry.pilot: entry for entry in pilots.in_service()}
    for name, entry in book.pilots.items():
        there = rebuilt.get(name)
        if there and not (there.seq <= entry.seq and there.acked <= entry.acked <= there.numbered <= entry.numbered):
            raise Differ(f"at {twin.clock.now:.3f} s the tables and the book contradict: {there}, {entry}")
    return {name: known(entry) for name, entry in book.pilots.items()}


def job_row(row: JobRow) -> tuple[Any, ...]:
    order = (row.pilot or None, row.number or None, row.kill_number, row.cancelled_by, str(row.reason))
    moments = (row.started_at, row.ended_at, row.exit_code)
    rules = (row.priority, row.retried, row.rerun_of or None, row.spec.eta_at, row.spec.stale_at)
    return (row.id, row.state.value, row.attempt, *order, *moments, *rules)


def pilot_row(row: PilotRow) -> tuple[Any, ...]:
    lane = (row.seq, row.acked, row.numbered)
    return (row.host, row.slots, row.lease_s, row.token_hash, row.state.value, *lane)


def run(seed: int) -> Twin:
    """One world with the twin as its server."""
    twins: list[Twin] = []

    class Real(kind_of(seed)):  # type: ignore[misc]
        storm_s = 60.0
        quiet_s = 25.0

        def _make_server(self) -> Twin:
            twins.append(Twin(self.clock, self.store, random.Random(seed), self.lease_s, self._fate, compare_books))
            return twins[0]

    for table in (Event, Alarm, Item, Result, JobLog, Job, JobType, Pause, Submission, HostDoubt, Pilot):
        table.objects.all().delete()
    jobs.declare([TypeDeclared(spec, 0.0) for spec in TYPES])
    try:
        Real(seed).run()
        compare_books(twins[0])
        compare_rows(twins[0])
    except (Differ, Broken) as error:
        sys.exit(f"seed {seed}, {kind_of(seed).__name__}: {error}")
    return twins[0]


# ---- planted defects of the server's own half: each must be noticed


def silence(module: Any, name: str, kept: Callable[[Any], bool]) -> None:
    """Let a write leave out the effects that are not `kept`."""
    write = getattr(module, name)
    replaced = lambda effects: write([one for one in effects if kept(one)])  # noqa: E731
    for kind, known in work._WRITES.items():
        if known is write:
            work._WRITES[kind] = replaced


def half_kept() -> None:
    """A failed batch leaves what it had written, as if nobody had opened a transaction."""
    sql.transaction = SimpleNamespace(atomic=nullcontext)  # type: ignore[attr-defined]


def spoilt(statement: Statement, good: str, bad: str) -> Statement:
    assert good in statement.text
    return Statement(statement.text.replace(good, bad), **statement.types)


def no_reason() -> None:
    jobs.END = spoilt(jobs.END, "reason = {reason},", "reason = substr({reason}, 1, 0),")


def keeps_pilot() -> None:
    jobs.RETURN = spoilt(jobs.RETURN, "pilot_id = NULL, ", "")


def blind() -> None:
    published.names = lambda attempts, wanted: {}  # noqa: ARG005


def forgets_keys() -> None:
    jobs.SUBMITTED = spoilt(jobs.SUBMITTED, "{rows}", "{rows} WHERE true ON CONFLICT DO NOTHING")


PLANTS: dict[str, Callable[[], None]] = {
    "an end is written without its reason": no_reason,
    "the lane of an order is not written": lambda: silence(pilots, "write_lanes", lambda _: False),
    "a returned job keeps its pilot": keeps_pilot,
    "a key is forgotten": forgets_keys,
    "what was published is not seen": blind,
    "a batch that failed is half kept": half_kept,
    "a pause is not written": lambda: silence(jobs, "pause", lambda _: False),
    "what a pilot is told is not written": lambda: silence(pilots, "instruct", lambda _: False),
    "a refused report is not recorded": lambda: silence(journal, "add", lambda one: one.what != "report refused"),
}


def main() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    careless = {"sqlite": "PRAGMA synchronous=OFF", "postgresql": "SET synchronous_commit=off"}
    connection.cursor().execute(careless[connection.vendor])  # no power is cut here
    logging.disable()  # of the planted failures
    first, count = int(sys.argv[1]), int(sys.argv[2])
    for defect in sys.argv[3:]:
        PLANTS[defect]()
    transactions = quiet = failures = 0
    for seed in range(first, first + count):
        twin = run(seed)
        transactions += twin.transactions
        quiet += twin.quiet
        failures += twin.failures
    print(f"{count} seeds, {transactions} batches, {quiet} quiet, {failures} planted failures: the same throughout")


if __name__ == "__main__":
    main()
