"""Templates as the tests write them, in few words."""

from dataclasses import replace
from typing import Any

from p3s.domain.workflows.dag import check
from p3s.domain.workflows.expansion import expand
from p3s.domain.workflows.plan import InputFile, Plan
from p3s.protocol.workflows import Datum, Node, Parameter, StartRequest, TemplateSpec

UUID = "0a1b2c3d-0000-4000-8000-000000000000"
TYPES = {"ROOT": ".root", "TXT": ".txt", "CSV": "csv", "RAW": ""}


def node(payload: str = "/bin/true", **more: Any) -> Node:
    """`reads`: by variable a datum, or several."""
    reads = more.pop("reads", {})
    inputs = {variable: [names] if isinstance(names, str) else list(names) for variable, names in reads.items()}
    return Node(payload, inputs=inputs, **more)


def template(
    nodes: dict[str, Node], data: dict[str, Datum] | None = None, parameters: dict[str, Parameter] | None = None
) -> TemplateSpec:
    return TemplateSpec("calib", nodes, data or {}, parameters or {})


def written(*names: str, **more: Any) -> dict[str, Datum]:
    """Data `node.VARIABLE` of type TXT, unless said otherwise."""
    data = {}
    for name in names:
        owner, _, variable = name.rpartition(".")
        data[name] = Datum(owner, variable, **{"type": "TXT", **more})
    return data


def plan(
    spec: TemplateSpec,
    *,
    inputs: tuple[str | InputFile, ...] = (),
    request: StartRequest | None = None,
    env: dict[str, str] | None = None,
    **more: Any,
) -> Plan:
    """Of a template that is good, in /w. `env` is that of a stream."""
    check(spec)
    files = [file if isinstance(file, InputFile) else InputFile(file) for file in inputs]
    asked = replace(request or StartRequest(spec.name), **more)
    return expand(spec, asked, workflow=UUID, directory="/w", inputs=files, extensions=TYPES, env=env or {})
