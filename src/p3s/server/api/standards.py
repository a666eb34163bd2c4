"""Cold routes of what results are judged and shown by: limits, reference runs, dimensions."""

from typing import Annotated, Any

import orjson
from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, result_bounds, result_routes
from p3s.protocol.data import DimensionSpec, LimitSpec, ReferenceSpec
from p3s.protocol.errors import BadInput
from p3s.server.actions import standards as acts
from p3s.server.broker import running
from p3s.server.results import standards

from .doors import grant_of, plain, reach, read
from .paging import Limit, Name, Why, exact, wrong

router = Router(tags=["results"])

Item = Annotated[str, Query(max_length=result_bounds.MAX_NAME, description="a number's name, or `table/column`")]
Category = Annotated[str, Query(max_length=result_bounds.MAX_CATEGORY)]


# ---- limits


@router.get("/limits", auth=reach("read"), summary=result_routes.LIMITS.summary)
@exact
def list_limits(
    request: HttpRequest,  # noqa: ARG001
    category: Name = "",
    limit: Limit = 100,
    cursor: Annotated[str, Query(max_length=4_000, description="`next` of the page before")] = "",
) -> dict[str, Any]:
    """By category and item; `next`, given as `cursor`, continues, null at the end."""
    bounds.check_name(category, "category")
    rows = standards.limits(category, limit + 1, _after(cursor))
    following = orjson.dumps([rows[limit - 1].category, rows[limit - 1].item]).decode() if len(rows) > limit else None
    return {"limits": [plain(row) for row in rows[:limit]], "next": following}


def _after(cursor: str) -> tuple[str, str] | None:
    if not cursor:
        return None
    try:
        category, item = orjson.loads(cursor)
        for word in (category, item[:200], item[200:400]):
            bounds.check_name(word, "cursor")
    except (ValueError, TypeError, BadInput):
        raise wrong(cursor) from None
    return category, item


@router.put("/limits", auth=reach("operate"), summary=result_routes.SET_LIMIT.summary)
def set_limit(request: HttpRequest) -> dict[str, Any]:
    """The whole of what is set there. It wins over what payloads say, for results that are published from now on; those
    that are there keep the status with which they were judged."""
    body = read(request, LimitSpec)
    result_bounds.check_limit(body)
    who = grant_of(request).owner
    return {"changed": running().ask(lambda work: acts.set_limit(work, spec=body, who=who))}


@router.delete("/limits", auth=reach("operate"), summary=result_routes.DROP_LIMIT.summary)
@exact
def drop_limit(request: HttpRequest, category: Category = "", item: Item = "", why: Why = "") -> dict[str, Any]:
    """What payloads say counts again, for results from now on. `changed` is false when nothing was set there."""
    result_bounds.check_limit(LimitSpec(category, item, good=(0, 0), why=why))
    who = grant_of(request).owner
    story = running().ask(lambda work: acts.drop_limit(work, category=category, item=item, who=who, why=why))
    return {"changed": story}


# ---- reference runs


@router.get("/references", auth=reach("read"), summary=result_routes.REFERENCES.summary)
@exact
def list_references(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001
    """By category; the empty one is that of all categories that have none of their own."""
    return {"references": [plain(row) for row in standards.references()]}


@router.put("/references", auth=reach("operate"), summary=result_routes.SET_REFERENCE.summary)
def set_reference(request: HttpRequest) -> dict[str, Any]:
    """In place of the one before, of the category or of all that have none of their own. Values that say how far they
    may drift are judged against those of this run from now on, and purge keeps its results."""
    body = read(request, ReferenceSpec)
    result_bounds.check_reference(body)
    who = grant_of(request).owner
    return {"changed": running().ask(lambda work: acts.set_reference(work, spec=body, who=who))}


@router.delete("/references", auth=reach("operate"), summary=result_routes.DROP_REFERENCE.summary)
@exact
def drop_reference(request: HttpRequest, category: Category = "", why: Why = "") -> dict[str, Any]:
    """Nothing of the category is judged by drift any more, or again by the run of all. `changed` is false when there
    was none."""
    result_bounds.check_reference(ReferenceSpec(0, category, why))
    who = grant_of(request).owner
    return {"changed": running().ask(lambda work: acts.drop_reference(work, category=category, who=who, why=why))}


# ---- dimensions


@router.get("/dimensions", auth=reach("read"), summary=result_routes.DIMENSIONS.summary)
@exact
def list_dimensions(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001
    """By name: how people see coordinates."""
    return {"dimensions": [plain(row) for row in standards.dimensions()]}


@router.put("/dimensions", auth=reach("operate"), summary=result_routes.SET_DIMENSION.summary)
def set_dimension(request: HttpRequest) -> dict[str, Any]:
    """The whole of it: values of a coordinate in physical order, and names for them. Pages follow at once."""
    body = read(request, DimensionSpec)
    result_bounds.check_dimension(body)
    who = grant_of(request).owner
    return {"changed": running().ask(lambda work: acts.set_dimension(work, spec=body, who=who))}


@router.delete("/dimensions", auth=reach("operate"), summary=result_routes.DROP_DIMENSION.summary)
@exact
def drop_dimension(request: HttpRequest, name: Name = "", why: Why = "") -> dict[str, Any]:
    """Its values are shown as they are, in their own order. `changed` is false when there was none."""
    result_bounds.check_dimension(DimensionSpec(name, ("",), why=why))
    who = grant_of(request).owner
    return {"changed": running().ask(lambda work: acts.drop_dimension(work, name=name, who=who, why=why))}
