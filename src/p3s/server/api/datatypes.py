"""Cold routes of data types."""

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.protocol import bounds, catalogue_bounds, catalogue_routes
from p3s.protocol.catalogue import DataTypeChanged, DataTypeSpec, Removed
from p3s.protocol.errors import BadInput, NotKnown
from p3s.server.actions import datatypes
from p3s.server.broker import running
from p3s.server.data import datatypes as reads

from .doors import grant_of, plain, reach, read
from .paging import DryRun, Limit, Why, exact, page

router = Router(tags=["data types"])


@router.get("/datatypes", auth=reach("read"), summary=catalogue_routes.DATATYPES.summary)
@exact
def list_datatypes(
    request: HttpRequest,  # noqa: ARG001
    limit: Limit = 100,
    cursor: Annotated[str, Query(max_length=100, description="`next` of the page before")] = "",
) -> dict[str, Any]:
    """By name; `next`, given as `cursor`, continues, null at the end."""
    bounds.check_name(cursor, "cursor")
    rows = reads.page(limit + 1, cursor)
    return page("datatypes", [plain(row) for row in rows], limit, lambda row: row["name"])


@router.get("/datatypes/{name}", auth=reach("read"), summary=catalogue_routes.DATATYPE.summary)
@exact
def show_datatype(request: HttpRequest, name: str) -> dict[str, Any]:  # noqa: ARG001
    """With how many datasets are of it."""
    bounds.check_name(name, "name")
    row = reads.find(name)
    if row is None:
        raise NotKnown(f"there is no data type {name}; p3s datatype list shows all")
    return plain(row)


@router.put("/datatypes/{name}", auth=reach("operate"), summary=catalogue_routes.SET_DATATYPE.summary)
def put_datatype(request: HttpRequest, name: str) -> DataTypeChanged:
    """A new one, or all settings of one that is there; the same again changes nothing."""
    body = read(request, DataTypeSpec)
    if body.name != name:
        raise BadInput(f"name: the body says {body.name!r}, the path {name!r}; they must agree")
    catalogue_bounds.check_datatype(body)
    who = grant_of(request).owner
    reply: DataTypeChanged = running().ask(lambda work: datatypes.set_datatype(work, spec=body, who=who))
    return reply


@router.delete("/datatypes/{name}", auth=reach("operate"), summary=catalogue_routes.DELETE_DATATYPE.summary)
@exact
def delete_datatype(request: HttpRequest, name: str, why: Why = "", dry_run: DryRun = False) -> Removed:
    """409 while datasets are of it."""
    bounds.check_name(name, "name")
    catalogue_bounds.check_why(why)
    who = grant_of(request).owner
    reply: Removed = running().ask(
        lambda work: datatypes.remove_datatype(work, name=name, who=who, why=why, dry_run=dry_run)
    )
    return reply
