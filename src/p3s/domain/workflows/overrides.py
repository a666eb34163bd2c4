"""What one workflow has otherwise than its template: 2018's `jobinfo` by node, its `fileinfo` by datum."""

from dataclasses import replace

from p3s.domain.workflows.dag import check_work, no_datum, written_twice
from p3s.protocol.errors import BadInput
from p3s.protocol.guesses import near
from p3s.protocol.mistakes import refuse
from p3s.protocol.workflows import NOOP, Datum, DatumChange, Node, NodeChange, StartRequest, TemplateSpec


def changed(template: TemplateSpec, request: StartRequest) -> tuple[TemplateSpec, list[str]]:
    """The template as this request wants it, and notes for a person. Raises BadInput for a name that is not there."""
    notes: list[str] = []
    nodes, data = dict(template.nodes), dict(template.data)
    for name, change in request.nodes.items():
        if name not in nodes:
            hint = near(name, nodes) or f"; it has {', '.join(list(nodes)[:20])}"
            raise BadInput(f"nodes: the template has no node {name[:80]!r}{hint}")
        if nodes[name].jobtype == NOOP and change.payload is not None:
            notes.append(f"{name} is a {NOOP}: its payload is not run")
            change = replace(change, payload=None)
        nodes[name] = _node(nodes[name], change)
        check_work(name, nodes[name])
    parallel = _by_edge(template)
    for name, datum_change in request.data.items():
        if name not in data and name not in parallel:
            raise BadInput(f"data: {no_datum(template, name)}")
        for one in [name] if name in data else parallel[name]:
            data[one] = _datum(data[one], datum_change, f"data.{name}")
    found = replace(template, nodes=nodes, data=data)
    refuse(written_twice(found))
    return found, notes


def _by_edge(template: TemplateSpec) -> dict[str, list[str]]:
    """2018's `source:target` means all edges between the two, which are told apart as `source:target:DATATAG`."""
    found: dict[str, list[str]] = {}
    for name in template.data:
        found.setdefault(name.rpartition(":")[0], []).append(name)
    return found


def _node(node: Node, change: NodeChange) -> Node:
    said = {field: getattr(change, field) for field in ("payload", "priority", "time_limit")}
    given = {field: value for field, value in said.items() if value is not None}
    return replace(node, env={**node.env, **change.env}, **given)


def _datum(datum: Datum, change: DatumChange, where: str) -> Datum:
    if change.path is not None:
        if change.name is not None or change.dirpath is not None:
            raise BadInput(f"{where}: has a path and a name or dirpath; write the path alone")
        datum = replace(datum, path=change.path, name="", dirpath="")
    if datum.path and (change.name is not None or change.dirpath is not None):
        above, _, name = datum.path.rpartition("/")
        datum = replace(datum, path="", dirpath=above, name=name)
    for field in ("name", "dirpath", "comment"):
        said = getattr(change, field)
        if said is not None:
            datum = replace(datum, **{field: said})
    return replace(datum, sticky=True) if change.name is not None else datum
