"""A template's graph: whether it can be run at all, and in which order. Nodes are jobs, data join them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from p3s.domain.workflows import fields, parameters, places
from p3s.protocol.bounds import check_environment, check_job
from p3s.protocol.errors import BadInput
from p3s.protocol.guesses import near
from p3s.protocol.messages import JobSpec
from p3s.protocol.mistakes import refuse, said
from p3s.protocol.workflows import INPUTS, NOOP, ON_FAILURE, Datum, Node, TemplateSpec

MOST_NODES = 2_000
"""Of a template; with their fan-outs they may give MOST_JOBS."""

MOST_DATA = 10_000
MOST_JOBS = 10_000

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,79}\Z")
_IN_PAYLOAD = re.compile(r"(?<!\$)\{([A-Za-z_][A-Za-z0-9_]*)\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def check(template: TemplateSpec) -> None:
    """Raises BadInput that names each node or datum at fault and says what to write instead."""
    refuse(mistakes(template))


def mistakes(template: TemplateSpec) -> Iterator[str]:
    """All that keeps a template from being run. What only follows from another mistake is left out."""
    if not _NAME.match(template.name):
        yield f"name: {template.name[:80]!r} is no template's name; use letters, digits, _ . + and -"
    outline = [*_outline(template)]
    yield from outline
    if outline:
        return
    yield from parameters.mistakes(template.parameters)
    yield from _environment(template.env, "env")
    for name, node in template.nodes.items():
        yield from _node(name, node)
    for name, datum in template.data.items():
        yield from _datum(template, name, datum)
    written = {(datum.node, datum.variable) for datum in template.data.values()}
    for name, node in template.nodes.items():
        yield from _reads(template, name, node, written)
    yield from _unknown_fields(template)
    yield from _joined(_sound(template))


def _outline(template: TemplateSpec) -> Iterator[str]:
    """Without these the rest is not looked at."""
    if not template.nodes:
        yield "nodes: there is none; a template has at least one node"
    for what, most in (("nodes", MOST_NODES), ("data", MOST_DATA)):
        count = len(getattr(template, what))
        if count > most:
            yield f"{what}: there are {count}, at most {most} are taken"


def _joined(template: TemplateSpec) -> Iterator[str]:
    """What is wrong with the graph as a whole, whose names are all there."""
    yield from written_twice(template)
    waits = _waits(template)
    for cycle in _cycles(waits):
        yield _cycle(cycle)
    over, wrong = _fan_outs(template, TopologicalSorter(waits).static_order())
    yield from wrong
    yield from places.mistakes(template, over)
    yield from _variables(template, over)


def _sound(template: TemplateSpec) -> TemplateSpec:
    """Without names that nothing has: where they should lead nobody knows."""
    data = {name: datum for name, datum in template.data.items() if datum.node in template.nodes}
    readable, followed = {INPUTS, *data}, {INPUTS, "", *template.nodes, *data}
    nodes = {}
    for name, node in template.nodes.items():
        inputs = {variable: [one for one in names if one in readable] for variable, names in node.inputs.items()}
        after = [one for one in node.after if one in template.nodes]
        for_each = node.for_each if node.for_each in followed else INPUTS
        nodes[name] = replace(node, inputs=inputs, after=after, for_each=for_each)
    return replace(template, nodes=nodes, data=data)


def order(template: TemplateSpec) -> list[str]:
    """Its nodes, each after those that it waits for. Raises BadInput that names a cycle."""
    try:
        return list(TopologicalSorter(_waits(template)).static_order())
    except CycleError as error:
        raise BadInput(_cycle(error.args[1])) from None


def _waits(template: TemplateSpec) -> dict[str, list[str]]:
    return {name: list(dict.fromkeys(before(template, node))) for name, node in template.nodes.items()}


def _cycles(waits: dict[str, list[str]]) -> Iterator[list[str]]:
    """Each of them once; `waits` is left without any."""
    while True:
        try:
            TopologicalSorter(waits).prepare()
            return
        except CycleError as error:
            cycle = error.args[1]
            yield cycle
            for name in cycle:
                waits[name] = [one for one in waits[name] if one not in cycle]


def _cycle(names: list[str]) -> str:
    return f"nodes.{names[0]}: {' -> '.join(names)} is a cycle; each would wait for the other"


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
    found, wrong = _fan_outs(template, order(template))
    refuse(wrong)
    return found


def _fan_outs(template: TemplateSpec, names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """As `roots`, and what is wrong; a node that follows nothing to follow is taken to follow the inputs."""
    found: dict[str, str] = {}
    wrong: list[str] = []
    for name in names:
        node = template.nodes[name]
        found[name] = name if node.values else node.for_each
        if node.for_each and node.for_each != INPUTS:
            origin = writer(template, node.for_each)
            found[name] = found.get(origin, INPUTS)
            if not found[name]:
                found[name] = INPUTS
                hint = f"name one that fans out, or write {INPUTS} or a list"
                wrong.append(f"nodes.{name}.for_each: {origin} has one job; {hint}")
    return found, wrong


def _node(name: str, node: Node) -> Iterator[str]:
    where = f"nodes.{name}"
    if not _NAME.match(name):
        yield f"{where[:87]}: {name[:80]!r} is no node's name; use letters, digits, _ . + and -"
    if name == INPUTS:
        yield f"nodes: {INPUTS} means those that are given at the start; take another name"
    if node.on_failure not in ON_FAILURE:
        yield f"{where}.on_failure: {node.on_failure[:60]!r} is none; use {', '.join(ON_FAILURE)}"
    if not 1 <= node.at_most <= MOST_JOBS:
        yield f"{where}.at_most: must be from 1 to {MOST_JOBS}, not {node.at_most}"
    if node.for_each and node.values:
        yield f"{where}: fans out over {node.for_each} and over a list; write for_each once"
    if any(not value.strip() or len(value) > 2_000 or _CONTROL.search(value) for value in node.values):
        yield f"{where}.for_each: its texts must be of 1 to 2,000 characters in one line"
    if node.jobtype == NOOP and node.payload.strip():
        yield f"{where}: is a {NOOP}, so its payload would not be run; leave out one of the two"
    yield from _work(name, node)


def check_work(name: str, node: Node) -> None:
    """What it runs is within the bounds of jobs. Raises BadInput."""
    check_job(_job(node), f"nodes.{name}")


def _job(node: Node) -> JobSpec:
    payload = "-" if node.jobtype == NOOP else node.payload
    return JobSpec(payload, "", node.jobtype or "default", "", node.env, node.priority, node.time_limit, node.needs)


def _work(name: str, node: Node) -> Iterator[str]:
    """As `check_work`, one by one where something is wrong."""
    job, where = _job(node), f"nodes.{name}"
    if not [*said(check_job, job, where)]:
        return
    for field in ("payload", "jobtype", "priority", "time_limit", "needs"):
        yield from said(check_job, replace(JobSpec("-"), **{field: getattr(job, field)}), where)
    yield from _environment(job.env, f"{where}.env")


def _environment(env: Mapping[str, str], where: str) -> Iterator[str]:
    """What is wrong with each of some variables, or with all."""
    whole = [*said(check_environment, env, where)]
    single = [wrong for one in env.items() for wrong in said(check_environment, dict([one]), where)] if whole else []
    yield from single or whole


def _datum(template: TemplateSpec, name: str, datum: Datum) -> Iterator[str]:
    where = f"data.{name}"
    if not 0 < len(name) <= 250 or _CONTROL.search(name) or name == INPUTS or name in template.nodes:
        yield f"data: {name[:80]!r} is no datum's name; write NODE.VARIABLE"
    if datum.node not in template.nodes:
        hint = near(datum.node, template.nodes)
        yield f"{where}: it is written by no node: there is no node {datum.node[:80]!r}{hint}"
    yield from said(check_environment, {datum.variable: ""}, where)
    for field, longest in (("type", 80), ("name", 255), ("path", 1_000), ("dirpath", 1_000), ("comment", 2_000)):
        text = getattr(datum, field)
        if len(text) > longest or _CONTROL.search(text.replace("\n", "") if field == "comment" else text):
            yield f"{where}.{field}: must be of at most {longest} characters in one line"
    if datum.path and (datum.name or datum.dirpath):
        yield f"{where}: has a path and a {'name' if datum.name else 'dirpath'}; write the path alone"
    if datum.keep is not None:
        writer = template.nodes.get(datum.node)
        if writer is not None and writer.jobtype == NOOP:
            yield f"{where}.keep: {datum.node} is a {NOOP}: the file was there before and is not p3s's to delete"
        if not 0 <= datum.keep <= 10 * 366 * 86_400:
            yield f"{where}.keep: must be from 0 s to ten years"


def file_of(datum: Datum) -> tuple[str, ...]:
    """What makes two data one file."""
    return (datum.type, datum.name, datum.path, datum.dirpath)


def written_twice(template: TemplateSpec) -> Iterator[str]:
    """A variable of a node is one file, however many edges of a graph lead it on."""
    seen: dict[tuple[str, str], tuple[str, Datum]] = {}
    for name, datum in template.data.items():
        first, other = seen.setdefault((datum.node, datum.variable), (name, datum))
        if file_of(datum) != file_of(other) and template.nodes[datum.node].jobtype != NOOP:
            yield (
                f"data.{name}: {datum.node} would write it and {first} under one variable, {datum.variable}; "
                "take another variable, or write the same name and path"
            )


def _reads(template: TemplateSpec, name: str, node: Node, written: set[tuple[str, str]]) -> Iterator[str]:
    where = f"nodes.{name}"
    given = {one.variable for names in node.inputs.values() for one in map(template.data.get, names) if one}
    yield from _environment(dict.fromkeys([one for one in node.inputs if one not in given], ""), f"{where}.in")
    for variable, names in node.inputs.items():
        if (name, variable) in written and node.jobtype != NOOP:
            yield f"{where}: reads and writes {variable}; one of the two needs another variable"
        if not names:
            yield f"{where}.in.{variable}: reads nothing; name a datum, like NODE.VARIABLE"
        if len(names) > len(set(names)):
            yield f"{where}.in.{variable}: names a datum twice"
        for one in dict.fromkeys(names):
            if one != INPUTS and one not in template.data:
                yield f"{where}.in.{variable}: {no_datum(template, one)}"
    for variable in node.lists:
        if variable not in node.inputs:
            yield f"{where}.in: {variable[:80]!r} is to be a list, and reads nothing"
    for one in dict.fromkeys(node.after):
        if one not in template.nodes:
            yield f"{where}.after: there is no node {one[:80]!r}{near(one, template.nodes)}"
    if node.for_each and node.for_each != INPUTS and node.for_each not in {**template.nodes, **template.data}:
        hint = near(node.for_each, [INPUTS, *template.nodes, *template.data]) or f"; write {INPUTS}, or a list"
        yield f"{where}.for_each: there is no node or datum {node.for_each[:80]!r}{hint}"


_BY_PILOT = frozenset(
    {"PATH", "PYTHONPATH", *(f"P3S_{name}" for name in ("SERVER", "TOKEN", "SITE", "RESULT_DIR", "JOB_DIR", "NODE"))}
    | {f"P3S_{name}" for name in ("JOB_UUID", "PILOT_UUID", "WORKFLOW_UUID", "OUTPUTS", "LISTS", "MODE", "EXECMODE")}
)
_BY_INPUT = frozenset(f"P3S_{name}" for name in ("INPUT_PATH", "INPUT_URL", "INPUT_FILE", "RUN", "SUBRUN"))


def _variables(template: TemplateSpec, over: dict[str, str]) -> Iterator[str]:
    """No file stands under a variable that holds something else: what a job writes there would go elsewhere."""
    named = [(f"data.{name}", one.node, one.variable) for name, one in template.data.items()]
    named += [(f"nodes.{name}.in", name, variable) for name, node in template.nodes.items() for variable in node.inputs]
    for where, node, variable in named:
        if template.nodes[node].jobtype == NOOP:
            continue
        if variable in _BY_PILOT:
            yield f"{where}: {variable} is set by p3s itself; take another variable"
        elif over[node] == INPUTS and (variable in _BY_INPUT or variable.startswith("P3S_KEY_")):
            yield f"{where}: {variable} is of the input that {node} is made for; take another variable"


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


def _unknown_fields(template: TemplateSpec) -> Iterator[str]:
    """Fields that are filled in are known; in payloads none are."""
    known = {*fields.BUILT_IN, *template.parameters}
    for variable, text in template.env.items():
        yield from fields.mistakes(text, known, f"env.{variable}")
    for name, node in template.nodes.items():
        for variable, text in node.env.items():
            yield from fields.mistakes(text, known, f"nodes.{name}.env.{variable}")
        for text in node.values:
            yield from fields.mistakes(text, template.parameters, f"nodes.{name}.for_each")
        for parameter in dict.fromkeys(_IN_PAYLOAD.findall(node.payload)):
            variable = parameter.upper()
            if parameter in template.parameters:
                yield (
                    f"nodes.{name}.payload: {{{parameter}}} is not filled in here: braces in payloads are the shell's; "
                    f'write env: {{{variable}: "{{{parameter}}}"}} and shell: true, and use ${variable}'
                )
    for name, datum in template.data.items():
        for field in ("name", "path", "dirpath"):
            yield from fields.mistakes(getattr(datum, field), known, f"data.{name}.{field}")
