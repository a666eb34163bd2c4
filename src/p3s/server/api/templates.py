"""Cold routes of workflow templates."""

from functools import partial
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from p3s.domain.workflows import dag
from p3s.protocol import bounds, workflow_bounds, workflow_routes
from p3s.protocol.errors import BadInput, NotKnown
from p3s.protocol.workflows import TemplateSpec
from p3s.server.actions.rerun import Who
from p3s.server.actions.templates import delete_template, put_template
from p3s.server.broker import running
from p3s.server.workflows import reads

from .doors import grant_of, reach, read
from .paging import Cursor, Limit, Name, Why, exact, page

router = Router(tags=["workflows"])

Version = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="that in force, when it is not said")]


@router.get("/templates", auth=reach("read"), summary=workflow_routes.TEMPLATES.summary)
@exact
def list_templates(
    request: HttpRequest,  # noqa: ARG001
    limit: Limit = 100,
    cursor: Cursor = "",
    name: Annotated[str, Query(max_length=80, description="the beginning of one")] = "",
    owner: Name = "",
    deleted: Annotated[bool, Query(description="those that were deleted, too")] = False,
) -> dict[str, Any]:
    """By name; `next`, given as `cursor`, continues, null at the end."""
    for where, word in (("owner", owner), ("name", name), ("cursor", cursor)):
        bounds.check_name(word, where)
    rows = reads.templates(name, owner, deleted, cursor, limit + 1)
    return page("templates", [dict(row) for row in rows], limit, lambda row: row["name"])


@router.get("/templates/{name}", auth=reach("read"), summary=workflow_routes.TEMPLATE.summary)
@exact
def show_template(request: HttpRequest, name: str, version: Version = None) -> dict[str, Any]:  # noqa: ARG001
    """One version with all there were. A deleted template is shown too; workflows of it may go on."""
    bounds.check_name(name, "name")
    found = reads.template(name, version)
    if found is None:
        which = f" with version {version}" if version else ""
        raise NotKnown(f"there is no template {name!r}{which}; p3s workflow template list shows what there is")
    return dict(found)


@router.put("/templates/{name}", auth=reach("submit"), summary=workflow_routes.TEMPLATE_PUT.summary)
@exact
def put(request: HttpRequest, name: str, why: Why = "") -> dict[str, Any]:
    """Every change is a new version; the same again changes nothing. What could not run is refused here."""
    body = read(request, TemplateSpec)
    if body.name != name:
        raise BadInput(f"name: the body says {body.name[:80]!r}, the path {name[:80]!r}; they must agree")
    workflow_bounds.check_template(body)
    dag.check(body)
    bounds.check_name(why[:200], "why")
    return dict(running().ask(partial(put_template, spec=body, who=_who(request), why=why)))


@router.delete("/templates/{name}", auth=reach("submit"), summary=workflow_routes.TEMPLATE_DELETE.summary)
@exact
def delete(request: HttpRequest, name: str, why: Why = "") -> dict[str, Any]:
    """No workflow is started of it any more; those that were go on. Its versions stay, and its name may be taken again
    by whoever stores a template."""
    bounds.check_name(name, "name")
    bounds.check_name(why[:200], "why")
    return dict(running().ask(partial(delete_template, name=name, who=_who(request), why=why)))


def _who(request: HttpRequest) -> Who:
    grant = grant_of(request)
    return Who(grant.owner, grant.reaches("operate"))
