"""Bounds on what people say of templates and workflows, checked at the door. Raises BadInput as `bounds` does.

Whether a template can be run at all, `domain.workflows.dag` checks.
"""

from typing import Any

from .acts import WhyRequest
from .bounds import SMALL, _text, check_environment, check_why
from .codec import to_object
from .data import DatasetRequest
from .data_bounds import check_dataset
from .errors import BadInput
from .messages import BOUNDS
from .workflows import StartRequest, TemplateSpec, WorkflowRerun

MOST_INPUTS = 10_000
MOST_CHANGES = 2_000
LONGEST_SOURCE = 2_000_000
DEEPEST = 20


def check_template(spec: TemplateSpec) -> None:
    """Texts that a database holds."""
    _text(spec.name, 80, "name")
    _text(spec.comment, 20_000, "comment")
    _text(spec.source, LONGEST_SOURCE, "source")
    if spec.format not in ("yaml", "graphml"):
        raise BadInput(f"format: {spec.format[:40]!r} is none; use yaml or graphml")
    _storable(to_object(spec), "", 0)


def check_start(request: StartRequest) -> None:
    """A name, a choice of inputs, numbers and changes within bounds."""
    _text(request.template, 80, "template")
    if not request.template.strip():
        raise BadInput("template: is empty; p3s workflow template list shows what there is")
    for name, longest in (("name", 200), ("comment", 2_000), ("dataset", 300), ("names", 200), ("key", 200)):
        _text(getattr(request, name), longest, name)
    _text(request.directory, BOUNDS["input"], "directory")
    if request.version is not None and not 1 <= request.version <= SMALL:
        raise BadInput(f"version: must be from 1 to {SMALL}, not {request.version}")
    if len(request.inputs) > MOST_INPUTS:
        raise BadInput(f"inputs: there are {len(request.inputs)}, at most {MOST_INPUTS} are taken; start it in parts")
    for place, url in enumerate(request.inputs):
        check_dataset(DatasetRequest(url))
        if "://" not in url and not url.startswith("/"):
            raise BadInput(f"inputs[{place}]: {url[:120]!r} must be an absolute path or a URL")
    check_dataset(DatasetRequest("/", run=request.run, subrun=request.subrun, keys=request.keys))
    for name in ("nodes", "data"):
        if len(getattr(request, name)) > MOST_CHANGES:
            raise BadInput(f"{name}: there are more than {MOST_CHANGES} changes; store a template that has them")
    for name, change in request.nodes.items():
        check_environment(change.env, f"nodes.{name[:80]}.env")
    _storable(to_object(request), "", 0)


def check_rerun_workflow(request: WorkflowRerun) -> None:
    """A person's reason, and a key."""
    check_why(WhyRequest(request.why))
    _text(request.key, 200, "key")


def _storable(value: Any, where: str, depth: int) -> None:
    """No text or number that one of the databases refuses."""
    if depth > DEEPEST:
        raise BadInput(f"{where[:120]}: is nested too deeply")
    if isinstance(value, str):
        _text(value, LONGEST_SOURCE, where[:120] or "the body")
    elif isinstance(value, dict):
        for name, one in value.items():
            _text(name, BOUNDS["input"], where[:120] or "the body")
            _storable(one, f"{where}.{name}".lstrip("."), depth + 1)
    elif isinstance(value, list):
        for one in value:
            _storable(one, where, depth + 1)
    elif isinstance(value, float) and not abs(value) <= 1e300:
        raise BadInput(f"{where[:120]}: {value} is no number")
    elif isinstance(value, int) and not abs(value) <= 2**62:
        raise BadInput(f"{where[:120]}: {value} is too large a number")
