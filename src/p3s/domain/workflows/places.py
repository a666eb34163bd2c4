"""Which files a template writes, as far as it says so by itself: two jobs never write one file."""

from collections.abc import Iterator, Mapping

from p3s.domain.workflows import filenames
from p3s.protocol.errors import BadInput
from p3s.protocol.workflows import INPUTS, NOOP, Datum, TemplateSpec

_HERE = "."
"""The workflow's directory."""


def mistakes(template: TemplateSpec, roots: Mapping[str, str]) -> Iterator[str]:
    """What would be refused at every start is refused before. `roots`: over what nodes fan out."""
    seen: dict[str, tuple[str, str]] = {}
    for name, datum in template.data.items():
        try:
            place = _said(template, name, datum)
        except BadInput as error:
            yield str(error)
            continue
        if place is None:
            continue
        own = (datum.node, datum.variable)
        node, variable = seen.setdefault(place, own)
        root = roots[datum.node]
        count = len(template.nodes[root].values) if root and root != INPUTS else 0
        if (node, variable) != own:
            yield f"data.{name}: {place!r} is {node}'s {variable} already; write another name or path"
        elif count > 1:
            yield f"data.{name}: the {count} jobs of {datum.node} would all write {place!r}; {_APART}"


def doubtful(template: TemplateSpec, roots: Mapping[str, str]) -> Iterator[str]:
    """What is refused at the start where a node has more than one job, by what is given then."""
    for name, datum in template.data.items():
        place = _said(template, name, datum)
        if place is not None and roots[datum.node]:
            yield f"data.{name}: two jobs of {datum.node} would both write {place!r}; {_APART}"


_APART = "a {field} like {index}, {value} or {input} in its name tells them apart"


def _said(template: TemplateSpec, name: str, datum: Datum) -> str | None:
    """The whole path of a datum, if the template says it. Raises BadInput for one that leads out."""
    texts = (datum.path, datum.dirpath, datum.name)
    if template.nodes[datum.node].jobtype == NOOP or any("{" in text or "}" in text for text in texts):
        return None
    if datum.path:
        place = filenames.below(_HERE, datum.path, f"data.{name}.path")
    else:
        above = filenames.below(_HERE, datum.dirpath or _HERE, f"data.{name}.dirpath")
        place = f"{above.removesuffix('/.').rstrip('/')}/{datum.name}"
        if not datum.name or not datum.sticky or datum.name.startswith(filenames.INHERIT):
            return None
    return place.removeprefix(f"{_HERE}/")
