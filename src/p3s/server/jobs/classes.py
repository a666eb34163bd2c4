"""Needs as the tables keep them: a text that is equal for equal needs, empty for one core of any pilot."""

import json

from p3s.protocol.messages import ANYWHERE, Needs


def written(needs: Needs) -> str:
    """The text of some needs; their tags are sorted (`domain.acceptance`)."""
    if needs == ANYWHERE:
        return ""
    return json.dumps(vars(needs), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def needs_of(text: str) -> Needs:
    """The needs of a text."""
    if not text:
        return ANYWHERE
    values = json.loads(text)
    return Needs(**{**values, "tags": tuple(values["tags"])})
