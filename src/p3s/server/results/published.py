"""What attempts have published, for the rule of what is expected of them."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from .models import Item, Result


def names(attempts: Mapping[str, int], wanted: Collection[str]) -> dict[str, set[str]]:
    """By job UUID, of these attempts: the categories they have published, and of the `wanted` names that are
    `category/item` those whose item came. An item that is a hole has not come."""
    found: dict[str, set[str]] = defaultdict(set)
    whose: dict[int, tuple[str, str]] = {}
    rows = Result.objects.filter(job__uuid__in=list(attempts)).values_list("id", "job__uuid", "attempt", "category")
    for id, job, attempt, category in rows:
        if attempts[job] == attempt:
            found[job].add(category)
            whose[id] = (job, category)
    items = {name[place + 1 :] for name in wanted for place, sign in enumerate(name) if sign == "/"}
    if items and whose:
        there = Item.objects.filter(result__in=list(whose), name__in=items, problem="").order_by()
        for id, item in there.values_list("result_id", "name").distinct():
            job, category = whose[id]
            found[job].add(f"{category}/{item}")
    return found
