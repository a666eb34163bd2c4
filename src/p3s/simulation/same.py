"""Whether a book that lived is the one that a restart would build."""

from p3s.domain.book import Book
from p3s.domain.effects import Queued
from p3s.domain.queue import PLACES

from .store import Broken


def same_book(lived: Book, rebuilt: Book) -> None:
    """What must not differ; estimates, turns and streaks of failures are in memory only."""
    for name in ("out", "types", "pauses"):
        if getattr(lived, name) != getattr(rebuilt, name):
            raise Broken(f"{name} of the book is not what the rows say")
    if +lived.in_use != +rebuilt.in_use:
        raise Broken(f"in use: {lived.in_use}, by the rows {rebuilt.in_use}")
    for pilot, entry in lived.pilots.items():
        other = rebuilt.pilots[pilot]
        told = [(one.instruction, one.instruction_number, one.instruction_why) for one in (entry, other)]
        if told[0] != told[1]:
            raise Broken(f"{pilot} is told {told[0]}, by the rows {told[1]}")
        if (entry.cores, entry.memory, entry.gpus) != (other.cores, other.memory, other.gpus):
            raise Broken(f"{pilot} has given away other than the rows say")
    for key in lived.queues.heads.keys() | rebuilt.queues.heads.keys():
        there = rebuilt.queues.heads[key].jobs if key in rebuilt.queues.heads else {}
        head = lived.queues.heads.get(key)
        known = head.jobs if head else {}
        expected = {n: j for n, j in there.items() if not head or not head.bound or PLACES[head.pick](j) < head.bound}
        if known != expected or (head.waiting if head else 0) != len(there):
            raise Broken(f"the queue of {key} is not what the rows say")
    early = [
        job.job
        for head in rebuilt.queues.heads.values()
        for job in head.jobs.values()
        if _stale_at(job) < lived.queues.stale_from
    ]
    if early:
        raise Broken(f"{early} become stale before {lived.queues.stale_from}, when the book would look for such")
    doubts = [{(host.name, doubt.jobtype) for host, doubt in book.hosts.doubts()} for book in (lived, rebuilt)]
    if doubts[0] != doubts[1]:
        raise Broken(f"doubted: {doubts[0]}, by the rows {doubts[1]}")


def _stale_at(job: Queued) -> float:
    return float("inf") if job.spec.stale_at is None else job.spec.stale_at
