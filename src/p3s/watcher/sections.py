"""What a stream file says beside its streams: of job types, of dimensions of results, and of limits."""

from collections.abc import Callable
from typing import Any, TypeVar

from p3s.client import descriptions
from p3s.client.document import Field
from p3s.client.mistakes import Mistakes
from p3s.protocol.bounds import check_jobtype
from p3s.protocol.data import DimensionSpec, LimitSpec
from p3s.protocol.mistakes import said
from p3s.protocol.result_bounds import check_dimension, check_limit

T = TypeVar("T")

LIKE = {
    "jobtypes": "like {evdisp: {priority: 5, cap: 40}}",
    "dimensions": "like {apa: {order: [3, 2, 1]}}",
    "limits": "like {Purity/lifetime: {good: [0.3, null]}}",
}


def jobtype(field: Field) -> dict[str, Any]:
    """Its settings; what is left out stays as it is. Raises BadInput, as all here do."""
    found: dict[str, Any] = {}
    with Mistakes() as wrong:
        wrong.known(field, descriptions.SETTINGS, LIKE["jobtypes"])
        for name, one in field.value.items() if not wrong else ():
            with wrong.noted(one.line):
                found |= descriptions.settings({name: one.plain}, field.where)
    _checked(descriptions.job_type(field.own_name, found), check_jobtype, field)
    return found


def dimension(field: Field) -> DimensionSpec:
    """In which order its values are shown, and how they are called."""
    rule = field.known(("order", "labels"), "like {order: [3, 2, 1], labels: {3: APA3}}")
    order = [one.written for one in rule["order"].items("[3, 2, 1]")] if "order" in rule else []
    named = rule["labels"].names("values and names, like {3: APA3}") if "labels" in rule else {}
    labels = {key: one.written for key, one in named.items()}
    return _checked(DimensionSpec(field.own_name, tuple(order), labels), check_dimension, field)


def limit(field: Field) -> LimitSpec:
    """What is good and what is a warning of an item, which the section names as CATEGORY/ITEM."""
    category, slash, item = field.own_name.partition("/")
    if not slash or not category or not item:
        raise field.wrong("must be named as a category and an item, like Purity/lifetime")
    rule = field.known(("good", "warn", "drift"), "like {good: [0.3, null], warn: [0.1, null]}")
    drift = rule.get("drift")
    spec = LimitSpec(
        category,
        item,
        _pair(rule.get("good")),
        _pair(rule.get("warn")),
        None if drift is None else _two(drift, "[0.2, 0.5]", null=False),
    )
    return _checked(spec, check_limit, field)


def _pair(field: Field | None) -> Any:
    return None if field is None else _two(field, "[0.3, null]")


def _two(field: Field, like: str, null: bool = True) -> Any:
    """A lower and an upper number, either of which may be null."""
    items = field.items(like)
    numbers = [one.value for one in items]
    good = [isinstance(n, (int, float)) and not isinstance(n, bool) for n in numbers]
    if len(items) != 2 or not all(fine or (null and n is None) for fine, n in zip(good, numbers, strict=True)):
        raise field.wrong(f"must be two numbers, like {like}, not {field.shown}")
    return tuple(None if n is None else float(n) for n in numbers)


def _checked(spec: T, check: Callable[[T], None], field: Field) -> T:
    """What the server would refuse is refused with its line."""
    with Mistakes() as wrong:
        wrong.placed(field, said(check, spec))
    return spec
