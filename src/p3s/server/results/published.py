"""What attempts have published, for the rule of what is expected of them."""

from collections import defaultdict
from collections.abc import Collection

from .models import Item, Result

Attempt = tuple[str, int]
"""A job's UUID, and the number of the attempt."""


def names(attempts: Collection[Attempt], wanted: Collection[str]) -> dict[Attempt, set[str]]:
    """By attempt: the categories it has published, and of the `wanted` names that are `category/item` those whose item
    came. An item that is a hole has not come."""
    found: dict[Attempt, set[str]] = defaultdict(set)
    whose: dict[int, tuple[Attempt, str]] = {}
    jobs = {job for job, _ in attempts}
    rows = Result.objects.filter(job__uuid__in=jobs).values_list("id", "job__uuid", "attempt", "category")
    for id, job, number, category in rows:
        if (job, number) in attempts:
            found[job, number].add(category)
            whose[id] = ((job, number), category)
    items = {name[place + 1 :] for name in wanted for place, sign in enumerate(name) if sign == "/"}
    if items and whose:
        there = Item.objects.filter(result__in=list(whose), name__in=items, problem="").order_by()
        for id, item in there.values_list("result_id", "name").distinct():
            attempt, category = whose[id]
            found[attempt].add(f"{category}/{item}")
    return found
