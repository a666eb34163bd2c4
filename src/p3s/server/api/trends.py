"""Cold routes of trends."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, result_routes
from p3s.protocol.errors import BadInput
from p3s.protocol.result_bounds import MAX_NAME
from p3s.server.results import standards, trends

from .doors import plain, reach
from .paging import Cursor, Limit, Name, Run, exact, wrong

router = Router(tags=["results"])

MOST_TRENDS = 20
MOST_POINTS = 1_000

Item = Annotated[str, Query(max_length=MAX_NAME, description="an item's name, or `table/column`")]
Column = Annotated[str, Query(max_length=200, description="of a table")]
By = Annotated[str, Query(max_length=500, description="coordinates, as `tpc=1` or `apa=3,plane=U`")]


@router.get("/trends", auth=reach("read"), summary=result_routes.TRENDS.summary)
@exact
def show_trends(
    request: HttpRequest,  # noqa: ARG001
    category: Name = "",
    item: Item = "",
    column: Column = "",
    by: By = "",
    since_run: Run = None,
    until_run: Run = None,
    last: Annotated[int, Query(ge=1, le=MOST_POINTS, description="values of each at most")] = 100,
    all: Annotated[bool, Query(description="older attempts' values too")] = False,
    limit: Annotated[int, Query(ge=1, le=MOST_TRENDS, description="trends of a page at most")] = MOST_TRENDS,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """The last values of each, in the order of runs; for older ones ask with `until_run`. `next`, given as `cursor`,
    goes on with further trends, null at the end."""
    rows = _series(trends.Choice(category, item, column, _coordinates(by)), limit + 1, cursor)
    in_force = standards.limits_of({row.category for row in rows})
    span = trends.Span(last, since_run, until_run, all)
    found = []
    for row in rows[:limit]:
        limits = in_force.get(row.category, {}).get(row.name)
        points = [plain(point) for point in trends.points(row.id, span)]
        found.append({**_named(row), "limits": None if limits is None else plain(limits), "points": points})
    return {"trends": found, "next": _next(rows, limit)}


@router.get("/trends/names", auth=reach("read"), summary=result_routes.TREND_NAMES.summary)
@exact
def list_names(
    request: HttpRequest,  # noqa: ARG001
    category: Name = "",
    item: Item = "",
    column: Column = "",
    by: By = "",
    limit: Limit = 100,
    cursor: Cursor = "",
) -> dict[str, Any]:
    """By category, name and coordinates; `next`, given as `cursor`, continues, null at the end."""
    rows = _series(trends.Choice(category, item, column, _coordinates(by)), limit + 1, cursor)
    return {"names": [_named(row) for row in rows[:limit]], "next": _next(rows, limit)}


def _series(choice: trends.Choice, limit: int, cursor: str) -> list[trends.SeriesRow]:
    for where, word in (("category", choice.category), ("column", choice.column)):
        bounds.check_name(word, where)
    for word in (choice.item[:200], choice.item[200:400], *choice.by, *choice.by.values()):
        bounds.check_name(word, "item")
    return trends.series(choice, limit, _after(cursor))


def _after(cursor: str) -> int | None:
    """The number of the last series seen; it may be gone since."""
    if not cursor:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 20 and int(cursor) < 2**63):
        raise wrong(cursor)
    if not trends.is_known(int(cursor)):
        raise wrong(cursor)
    return int(cursor)


def _next(rows: list[trends.SeriesRow], limit: int) -> str | None:
    return str(rows[limit - 1].id) if len(rows) > limit else None


def _named(row: trends.SeriesRow) -> dict[str, Any]:
    return {name: value for name, value in plain(row).items() if name != "id"}


def _coordinates(text: str) -> dict[str, str]:
    """`apa=3,plane=U` as a dictionary. Raises BadInput."""
    found = {}
    for part in text.split(",") if text else []:
        name, equals, value = part.partition("=")
        if not (name and equals and value):
            raise BadInput(f"by: {part[:40]!r} is no coordinate; write NAME=VALUE, several separated by commas")
        found[name] = value
    return found
