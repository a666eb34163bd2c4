"""A template in a few lines: its nodes in order, what each waits for, reads and writes."""

import re
from collections.abc import Iterator

from p3s.domain.workflows.dag import roots
from p3s.domain.workflows.fields import BUILT_IN
from p3s.domain.workflows.places import doubtful
from p3s.protocol.workflows import INPUTS, NOOP, TemplateSpec

from . import show
from .programs import doubt_of

TITLES = ("node", "jobs", "reads", "writes", "runs")


def rows(template: TemplateSpec) -> Iterator[tuple[str, ...]]:
    """One for each node, after those that it waits for."""
    over = roots(template)
    for name, root in over.items():
        node = template.nodes[name]
        reads = [_reads(template, variable, data, root, over) for variable, data in node.inputs.items()]
        reads = [f"{one} (list)" if one.partition(":")[0] in node.lists else one for one in reads]
        reads += [f"(after {one})" for one in node.after]
        runs = NOOP if node.jobtype == NOOP else " ".join(node.payload.split())
        yield name, _jobs(root, template), ", ".join(reads), ", ".join(_writes(template, name)), runs


def _jobs(root: str, template: TemplateSpec) -> str:
    if root == INPUTS:
        return "one for each input"
    if not root:
        return "1"
    values = template.nodes[root].values
    return f"one for each of {', '.join(values)}" if any("{" in one for one in values) else str(len(values))


def _reads(template: TemplateSpec, variable: str, data: list[str], root: str, over: dict[str, str]) -> str:
    """`PED: all of ped.PED`."""
    said = []
    for one in data:
        its = INPUTS if one == INPUTS else over[template.data[one].node]
        said.append(f"all of {one}" if its and its != root else one)
    return f"{variable}: {' '.join(said)}"


def _writes(template: TemplateSpec, name: str) -> list[str]:
    found = []
    for datum in template.data.values():
        if datum.node == name:
            kind = f" ({datum.type})" if datum.type else ""
            kept = "" if datum.keep is None else f", kept {show.length(datum.keep)}"
            found.append(f"{datum.variable}{kind}{kept}")
    return list(dict.fromkeys(found))


_USED = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_BRACES = re.compile(r"(?<!\$)\{([A-Za-z_][A-Za-z0-9_]*)\}")


def doubts(template: TemplateSpec) -> list[str]:
    """What may be meant otherwise: it is taken, and told."""
    found = list(doubtful(template, roots(template)))
    variables = {(datum.node, datum.variable) for datum in template.data.values()}
    for name, node in template.nodes.items():
        for word in _BRACES.findall(node.payload):
            if word in node.inputs or (name, word) in variables:
                found.append(f"nodes.{name}: {{{word}}} of its payload is not filled in; write shell: true and ${word}")
            elif word in BUILT_IN:
                how = f'env: {{{word.upper()}: "{{{word}}}"}}, shell: true and ${word.upper()}'
                found.append(f"nodes.{name}: {{{word}}} of its payload is not filled in; write {how}")
        doubt = doubt_of(node.payload)
        found += [f"nodes.{name}: {doubt}"] if doubt else []
        used = _USED.search(node.payload)
        if used and not node.shell and {**template.env, **node.env}.get("P3S_EXECMODE") != "SHELL":
            found.append(f"nodes.{name}: no shell fills in ${used.group(1)} of its payload; write shell: true")
        elif not node.shell and any(mark in node.payload.split() for mark in (">", "|", "&&", ";")):
            found.append(f"nodes.{name}: no shell runs its payload, so > and | are handed to it; write shell: true")
    return found
