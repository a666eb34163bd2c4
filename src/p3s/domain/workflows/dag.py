"""A template's graph: whether it can be run at all, and in which order. Nodes are jobs, data join them."""

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from p3s.domain.workflows import fields, parameters
from p3s.domain.workflows.places import check_places
from p3s.protocol.bounds import check_environment, check_job
from p3s.protocol.errors import BadInput
from p3s.protocol.guesses import near
from p3s.protocol.messages import JobSpec
from p3s.protocol.workflows import INPUTS, NOOP, ON_FAILURE, Datum, Node, TemplateSpec

MOST_NODES = 2_000
"""Of a template; with their fan-outs they may give MOST_JOBS."""

MOST_DATA = 10_000
MOST_JOBS = 10_000

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,79}\Z")
_IN_PAYLOAD = re.compile(r"(?<!\$)\{([A-Za-z_][A-Za-z0-9_]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def check(template: TemplateSpec) -> None:
    """Raises BadInput that names the node or datum and says what to write instead."""
    if not _NAME.match(template.name):
        raise BadInput(f"name: {template.name[:80]!r} is no template's name; use letters, digits, _ . + and -")
    if not template.nodes:
        raise BadInput("nodes: there is none; a template has at least one node")
    for what, most in (("nodes", MOST_NODES), ("data", MOST_DATA)):
        count = len(getattr(template, what))
        if count > most:
            raise BadInput(f"{what}: there are {count}, at most {most} are taken")
    parameters.check(template.parameters)
    check_environment(template.env, "env")
    for name, node in template.nodes.items():
        _check_node(name, node)
    for name, datum in template.data.items():
        _check_datum(template, name, datum)
    check_written_once(template)
    written = {(datum.node, datum.variable) for datum in template.data.values()}
    for name, node in template.nodes.items():
        _check_reads(template, name, node, written)
    over = roots(template)
    _check_fields(template)
    check_places(template, over)
    _check_variables(template, over)


def order(template: TemplateSpec) -> list[str]:
    """Its nodes, each after those that it waits for. Raises BadInput that names a cycle."""
    waits = {name: list(dict.fromkeys(before(template, node))) for name, node in template.nodes.items()}
    try:
        return list(TopologicalSorter(waits).static_order())
    except CycleError as error:
        cycle = error.args[1]
        raise BadInput(f"nodes.{cycle[0]}: {' -> '.join(cycle)} is a cycle; each would wait for the other") from None


def before(template: TemplateSpec, node: Node) -> Iterator[str]:
    """The nodes whose ends it waits for."""
    yield from node.after
    for names in node.inputs.values():
        for name in names:
            if name != INPUTS:
                yield template.data[name].node
    if node.for_each and node.for_each != INPUTS:
        yield writer(template, node.for_each)


def writer(template: TemplateSpec, name: str) -> str:
    """The node of this name, or the one that writes this datum."""
    return name if name in template.nodes else template.data[name].node


def roots(template: TemplateSpec) -> dict[str, str]:
    """Over what each node fans out, in `order`: INPUTS, or the node whose `values` it are; "" for a node with one job.
    Raises BadInput for a cycle, and for a node that follows one that does not fan out."""
    found: dict[str, str] = {}
    for name in order(template):
        node = template.nodes[name]
        found[name] = name if node.values else node.for_each
        if node.for_each and node.for_each != INPUTS:
            origin = writer(template, node.for_each)
            found[name] = found[origin]
            if not found[name]:
                raise BadInput(
                    f"nodes.{name}.for_each: {origin} has one job; name one that fans out, or write {INPUTS} or a list"
                )
    return found


def _check_node(name: str, node: Node) -> None:
    where = f"nodes.{name}"
    if not _NAME.match(name):
        raise BadInput(f"{where[:87]}: {name[:80]!r} is no node's name; use letters, digits, _ . + and -")
    if name == INPUTS:
        raise BadInput(f"nodes: {INPUTS} means those that are given at the start; take another name")
    if node.on_failure not in ON_FAILURE:
        raise BadInput(f"{where}.on_failure: {node.on_failure[:60]!r} is none; use {', '.join(ON_FAILURE)}")
    if not 1 <= node.at_most <= MOST_JOBS:
        raise BadInput(f"{where}.at_most: must be from 1 to {MOST_JOBS}, not {node.at_most}")
    if node.for_each and node.values:
        raise BadInput(f"{where}: fans out over {node.for_each} and over a list; write for_each once")
    if any(not value.strip() or len(value) > 2_000 or _CONTROL.search(value) for value in node.values):
        raise BadInput(f"{where}.for_each: its texts must be of 1 to 2,000 characters in one line")
    if node.jobtype == NOOP and node.payload.strip():
        raise BadInput(f"{where}: is a {NOOP}, so its payload would not be run; leave out one of the two")
    check_work(name, node)


def check_work(name: str, node: Node) -> None:
    """What it runs is within the bounds of jobs. Raises BadInput."""
    payload = "-" if node.jobtype == NOOP else node.payload
    kind, limits = node.jobtype or "default", (node.priority, node.time_limit, node.needs)
    check_job(JobSpec(payload, "", kind, "", node.env, *limits), f"nodes.{name}")


def _check_datum(template: TemplateSpec, name: str, datum: Datum) -> None:
    where = f"data.{name}"
    if not 0 < len(name) <= 250 or _CONTROL.search(name) or name == INPUTS or name in template.nodes:
        raise BadInput(f"data: {name[:80]!r} is no datum's name; write NODE.VARIABLE")
    if datum.node not in template.nodes:
        hint = near(datum.node, template.nodes)
        raise BadInput(f"{where}: it is written by no node: there is no node {datum.node[:80]!r}{hint}")
    check_environment({datum.variable: ""}, where)
    for field, longest in (("type", 80), ("name", 255), ("path", 1_000), ("dirpath", 1_000), ("comment", 2_000)):
        text = getattr(datum, field)
        if len(text) > longest or _CONTROL.search(text.replace("\n", "") if field == "comment" else text):
            raise BadInput(f"{where}.{field}: must be of at most {longest} characters in one line")
    if datum.path and (datum.name or datum.dirpath):
        raise BadInput(f"{where}: has a path and a {'name' if datum.name else 'dirpath'}; write the path alone")
    if datum.keep is not None:
        if template.nodes[datum.node].jobtype == NOOP:
            raise BadInput(
                f"{where}.keep: {datum.node} is a {NOOP}: the file was there before and is not p3s's to delete"
            )
        if not 0 <= datum.keep <= 10 * 366 * 86_400:
            raise BadInput(f"{where}.keep: must be from 0 s to ten years")


def file_of(datum: Datum) -> tuple[str, ...]:
    """What makes two data one file."""
    return (datum.type, datum.name, datum.path, datum.dirpath)


def check_written_once(template: TemplateSpec) -> None:
    """A variable of a node is one file, however many edges of a graph lead it on. Raises BadInput."""
    seen: dict[tuple[str, str], tuple[str, Datum]] = {}
    for name, datum in template.data.items():
        first, other = seen.setdefault((datum.node, datum.variable), (name, datum))
        if file_of(datum) != file_of(other) and template.nodes[datum.node].jobtype != NOOP:
            raise BadInput(
                f"data.{name}: {datum.node} would write it and {first} under one variable, {datum.variable}; "
                "take another variable, or write the same name and path"
            )


def _check_reads(template: TemplateSpec, name: str, node: Node, written: set[tuple[str, str]]) -> None:
    where = f"nodes.{name}"
    check_environment(dict.fromkeys(node.inputs, ""), f"{where}.in")
    for variable, names in node.inputs.items():
        if (name, variable) in written and node.jobtype != NOOP:
            raise BadInput(f"{where}: reads and writes {variable}; one of the two needs another variable")
        if not names:
            raise BadInput(f"{where}.in.{variable}: reads nothing; name a datum, like NODE.VARIABLE")
        if len(names) > len(set(names)):
            raise BadInput(f"{where}.in.{variable}: names a datum twice")
        for one in names:
            if one != INPUTS and one not in template.data:
                raise BadInput(f"{where}.in.{variable}: {no_datum(template, one)}")
    for variable in node.lists:
        if variable not in node.inputs:
            raise BadInput(f"{where}.in: {variable[:80]!r} is to be a list, and reads nothing")
    for one in node.after:
        if one not in template.nodes:
            raise BadInput(f"{where}.after: there is no node {one[:80]!r}{near(one, template.nodes)}")
    if node.for_each and node.for_each != INPUTS and node.for_each not in {**template.nodes, **template.data}:
        hint = near(node.for_each, [INPUTS, *template.nodes, *template.data]) or f"; write {INPUTS}, or a list"
        raise BadInput(f"{where}.for_each: there is no node or datum {node.for_each[:80]!r}{hint}")


_BY_PILOT = frozenset(
    {"PATH", "PYTHONPATH", *(f"P3S_{name}" for name in ("SERVER", "TOKEN", "SITE", "RESULT_DIR", "JOB_DIR", "NODE"))}
    | {f"P3S_{name}" for name in ("JOB_UUID", "PILOT_UUID", "WORKFLOW_UUID", "OUTPUTS", "LISTS", "MODE", "EXECMODE")}
)
_BY_INPUT = frozenset(f"P3S_{name}" for name in ("INPUT_PATH", "INPUT_URL", "INPUT_FILE", "RUN", "SUBRUN"))


def _check_variables(template: TemplateSpec, over: dict[str, str]) -> None:
    """No file stands under a variable that holds something else: what a job writes there would go elsewhere."""
    named = [(f"data.{name}", one.node, one.variable) for name, one in template.data.items()]
    named += [(f"nodes.{name}.in", name, variable) for name, node in template.nodes.items() for variable in node.inputs]
    for where, node, variable in named:
        if template.nodes[node].jobtype == NOOP:
            continue
        if variable in _BY_PILOT:
            raise BadInput(f"{where}: {variable} is set by p3s itself; take another variable")
        if over[node] == INPUTS and (variable in _BY_INPUT or variable.startswith("P3S_KEY_")):
            raise BadInput(f"{where}: {variable} is of the input that {node} is made for; take another variable")


def no_datum(template: TemplateSpec, name: str) -> str:
    """What to say of a datum that is not there."""
    node = name.rpartition(".")[0]
    hint = near(name, [INPUTS, *template.data])
    if not hint and name in template.nodes:
        hint = f"; {name} is a node: name what it writes, like {name}.VARIABLE"
    elif not hint and node in template.nodes:
        own = [one for one, datum in template.data.items() if datum.node == node]
        hint = f"; {node} writes {', '.join(own) or 'nothing'}"
    return f"nobody writes {name[:120]!r}{hint or '; write NODE.VARIABLE'}"


def _check_fields(template: TemplateSpec) -> None:
    """Fields that are filled in are known; in payloads none are."""
    known = {*fields.BUILT_IN, *template.parameters}
    for variable, text in template.env.items():
        fields.check(text, known, f"env.{variable}")
    for name, node in template.nodes.items():
        for variable, text in node.env.items():
            fields.check(text, known, f"nodes.{name}.env.{variable}")
        for text in node.values:
            fields.check(text, template.parameters, f"nodes.{name}.for_each")
        for found in _IN_PAYLOAD.finditer(node.payload):
            parameter, variable = found.group(1), found.group(1).upper()
            if parameter in template.parameters:
                raise BadInput(
                    f"nodes.{name}.payload: {{{parameter}}} is not filled in here: braces in payloads are the shell's; "
                    f'write env: {{{variable}: "{{{parameter}}}"}} and shell: true, and use ${variable}'
                )
    for name, datum in template.data.items():
        for field in ("name", "path", "dirpath"):
            fields.check(getattr(datum, field), known, f"data.{name}.{field}")
