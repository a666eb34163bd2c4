"""Lists of jobs by what people choose, over any number of them.

Job numbers grow with the moments of submission, so moments become numbers by bisection, and no index is paid for at
each insert. What no index leads to is looked for among the newest first, a window of numbers at a time, and no further
than MOST_LOOKED: such a page may be short, and says where to go on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import Max, Q, QuerySet

from p3s.protocol.states import OUT_JOB_STATES

from .models import Job
from .reads import JobRow, rows_of

WINDOW = 20_000
MOST_LOOKED = 400_000
"""So many jobs are looked at for a page, at most."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which jobs; what is empty or None chooses all. `since`, `until`: submitted, epoch seconds. `name` may begin or
    end with `*`."""

    states: tuple[str, ...] = ()
    uuids: tuple[str, ...] = ()
    jobtype: str = ""
    owner: str = ""
    site: str = ""
    host: str = ""
    pilot: str = ""
    stream: str = ""
    dataset: str = ""
    workflow: str = ""
    name: str = ""
    run: int | None = None
    since: float | None = None
    until: float | None = None

    @property
    def rare(self) -> bool:
        """Whether it asks for more than an index answers."""
        words = (self.jobtype, self.owner, self.site, self.host, self.pilot, self.stream, self.dataset, self.name)
        return any(words) or bool(self.uuids or self.workflow) or self.run is not None


def page(choice: Choice, limit: int, before: int | None = None) -> tuple[list[JobRow], int | None]:
    """Newest first; `before` is what the page before returned as its second part: None at the end."""
    numbers, following = chosen(choice, limit, before)
    rows = rows_of(Job.objects.filter(id__in=numbers).order_by("-id"))
    return rows, following


def chosen(choice: Choice, limit: int, before: int | None = None) -> tuple[list[int], int | None]:
    """Numbers of such jobs, newest first, and where to go on."""
    lowest, top = _span(choice, before)
    if not choice.rare:
        found = sorted(_by_state(choice, limit + 1, lowest, top), reverse=True)[: limit + 1]
        return found[:limit], found[limit - 1] if len(found) > limit else None
    found = []
    #: An index leads to those that are named, or to as few as pilots can hold.
    few = bool(choice.uuids or choice.workflow) or (bool(choice.states) and OUT_JOB_STATES.issuperset(choice.states))
    for bottom, above in [(lowest, top)] if few else _windows(lowest, top):
        jobs = _asked(choice).filter(id__gte=bottom, id__lt=above).order_by("-id")
        found += jobs.values_list("id", flat=True)[: limit + 1 - len(found)]
        if len(found) > limit:
            return found[:limit], found[limit - 1]
    looked_to = max(lowest, top - MOST_LOOKED)
    return found, None if few or looked_to == lowest else looked_to


def _windows(lowest: int, top: int) -> Iterator[tuple[int, int]]:
    """From the newest down: [from, to)."""
    end = max(lowest, top - MOST_LOOKED)
    while top > end:
        bottom = max(end, top - WINDOW)
        yield bottom, top
        top = bottom


def _span(choice: Choice, before: int | None) -> tuple[int, int]:
    """Numbers [lowest, top) in which they lie."""
    last = int(Job.objects.aggregate(last=Max("id"))["last"] or 0)
    top = last + 1 if before is None else min(before, last + 1)
    if choice.until is not None:
        top = min(top, first_from(choice.until, last))
    lowest = 0 if choice.since is None else first_from(choice.since, last)
    return lowest, max(top, lowest)


def first_from(moment: float, last: int) -> int:
    """The number of the first job submitted at `moment` or later; `last` + 1 with none. Numbers may be missing."""
    low, high = 0, last + 1
    while low < high:
        middle = (low + high) // 2
        found = Job.objects.filter(id__gte=middle).order_by("id").values_list("id", "submitted_at").first()
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = found[0] + 1
    return low


def _by_state(choice: Choice, limit: int, lowest: int, top: int) -> Iterator[int]:
    """One look into an index for each state: asked for several at once, a database would sort all there are."""
    jobs = Job.objects.filter(id__gte=lowest, id__lt=top).order_by("-id").values_list("id", flat=True)
    for one in [jobs.filter(state=state) for state in dict.fromkeys(choice.states)] or [jobs]:
        yield from one[:limit]


def _asked(choice: Choice) -> QuerySet[Job]:
    jobs = Job.objects.all()
    if choice.states:
        jobs = jobs.filter(state__in=choice.states)
    if choice.uuids:
        jobs = jobs.filter(uuid__in=choice.uuids)
    for column, value in _columns(choice):
        if value:
            jobs = jobs.filter(**{column: value})
    if choice.run is not None:
        jobs = jobs.filter(run=choice.run)
    return jobs.filter(named(choice.name)) if choice.name else jobs


def _columns(choice: Choice) -> list[tuple[str, str]]:
    return [
        ("jobtype", choice.jobtype),
        ("owner", choice.owner),
        ("pilot__site", choice.site),
        ("pilot__host", choice.host),
        ("pilot", choice.pilot),
        ("stream", choice.stream),
        ("dataset", choice.dataset),
        ("workflow", choice.workflow),
    ]


def named(pattern: str) -> Q:
    """A name, or its beginning (`raw*`), end or middle, whatever the case of its letters."""
    word = pattern.strip("*")
    ends: dict[tuple[bool, bool], Callable[[], Q]] = {
        (False, False): lambda: Q(name__iexact=word),
        (False, True): lambda: Q(name__istartswith=word),
        (True, False): lambda: Q(name__iendswith=word),
        (True, True): lambda: Q(name__icontains=word),
    }
    return ends[pattern.startswith("*"), pattern.endswith("*")]()


# ---- what a purge looks through


def ended(states: tuple[str, ...], jobtype: str, before: float, after: int, limit: int) -> tuple[list[int], int | None]:
    """Numbers above `after` of jobs that ended before a moment, the oldest first, and where to go on (None: no more).

    Looks at no more than `limit` jobs, and at none that were submitted later than that moment.
    """
    last = int(Job.objects.aggregate(last=Max("id"))["last"] or 0)
    first = Job.objects.filter(id__gt=after).order_by("id").values_list("id", flat=True).first()
    end = first_from(before, last)
    if first is None or first >= end:
        return [], None
    stop = min(end, first + limit)
    jobs = Job.objects.filter(id__gte=first, id__lt=stop, state__in=states, ended_at__lt=before).order_by("id")
    if jobtype:
        jobs = jobs.filter(jobtype=jobtype)
    return list(jobs.values_list("id", flat=True)), stop - 1 if stop < end else None
