"""What stays of a purged job while something that is kept came of it: its name, the files that it read and wrote."""

from collections import defaultdict
from collections.abc import Mapping

from p3s.server.jobs.models import Use


def leave(purged: Mapping[int, str], datasets: Mapping[int, str]) -> None:
    """Before the rows of jobs go: `purged` are their UUIDs by number, `datasets` the files that they were made of. Of
    others nothing stays, and what stayed on account of them alone goes too."""
    needed = _needed(purged)
    for number, uuid in purged.items():
        if number in needed:
            Use.objects.filter(source=number).update(source=None, was_source=uuid)
            Use.objects.filter(job=number).update(job=None, was_job=uuid)
    Use.objects.bulk_create(
        Use(was_job=purged[number], dataset_id=datasets[number], role="input")
        for number in sorted(needed)
        if number in datasets
    )
    going = Use.objects.filter(job__in=[number for number in purged if number not in needed])
    sources = {uuid for uuid in going.values_list("was_source", flat=True) if uuid is not None}
    going.delete()
    _forget(sources)


def _needed(purged: Mapping[int, str]) -> set[int]:
    """Those that wrote a file, that a job which stays gathered, or that one of these gathered."""
    needed = set(Use.objects.filter(job__in=list(purged), role="output").values_list("job", flat=True))
    gathered: dict[int, set[int]] = defaultdict(set)
    for source, reader in Use.objects.filter(source__in=list(purged)).values_list("source", "job"):
        if reader in purged:
            gathered[reader].add(source)
        else:
            needed.add(source)
    waiting = list(needed)
    while waiting:
        for source in gathered[waiting.pop()] - needed:
            needed.add(source)
            waiting.append(source)
    return needed


def _forget(uuids: set[str]) -> None:
    """Traces of jobs that nothing names any more, and of those that they gathered."""
    while uuids:
        kept = {
            *Use.objects.filter(was_source__in=uuids).values_list("was_source", flat=True),
            *Use.objects.filter(was_job__in=uuids, role="output").values_list("was_job", flat=True),
        }
        traces = Use.objects.filter(was_job__in=uuids - kept)
        uuids = {uuid for uuid in traces.values_list("was_source", flat=True) if uuid is not None}
        traces.delete()
