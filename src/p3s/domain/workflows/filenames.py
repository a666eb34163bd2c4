"""Where the files of a workflow lie: names as the template or the start says, else generated."""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from p3s.domain.workflows.fields import fill
from p3s.protocol.errors import BadInput
from p3s.protocol.guesses import near
from p3s.protocol.workflows import NOOP, Datum, TemplateSpec

STICKY = "sticky"
INHERIT = "inherit:"

LONGEST = 1_500
"""Characters of a path."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def check_policy(policy: str) -> None:
    """What a start may say of all names. Raises BadInput."""
    if policy not in ("", STICKY) and not (policy.startswith(INHERIT) and policy.removeprefix(INHERIT).strip()):
        raise BadInput(f"names: {policy[:60]!r} is no policy; write {STICKY} or {INHERIT}NAME, or leave it out")


def dotted(extensions: Mapping[str, str]) -> dict[str, str]:
    """Extensions by data type, each with its dot or empty."""
    return {name: f".{one.lstrip('.')}" if one else "" for name, one in extensions.items()}


def bare(name: str, extensions: Mapping[str, str]) -> str:
    """A file's name without the extension of a data type, if it has one."""
    fitting = [one for one in extensions.values() if one and name.endswith(one) and len(name) > len(one)]
    return name.removesuffix(max(fitting, key=len)) if fitting else name


def stem(name: str, extensions: Mapping[str, str]) -> str:
    """A file's name without the extension of a data type, else without what follows its last dot."""
    found = bare(name, extensions)
    head, dot, _ = name.rpartition(".")
    return head if found == name and dot and head else found


def is_address(path: str) -> bool:
    """`root://host//x`; `a/b://c` is a path."""
    return _ADDRESS.match(path) is not None


def settled(path: str) -> str:
    """An absolute path in the one way to write it; an address as it is."""
    path = path.removeprefix("file://")
    return f"/{posixpath.normpath(path).lstrip('/')}" if path.startswith("/") else path


def below(directory: str, path: str, where: str) -> str:
    """An address, a path of its own, or one that does not leave the directory. Raises BadInput."""
    path = settled(path)
    if is_address(path) or path.startswith("/"):
        return path
    inside = posixpath.normpath(path)
    if inside == ".." or inside.startswith("../"):
        raise BadInput(f"{where}: {path[:120]!r} leads out of the workflow's directory; write an absolute path")
    return f"{directory.rstrip('/')}/{inside}"


@dataclass(frozen=True, slots=True)
class Names:
    """Of one workflow: its UUID, directory and policy, and the `dotted` extensions."""

    template: TemplateSpec
    workflow: str
    directory: str
    policy: str
    extensions: Mapping[str, str]

    def path(
        self, name: str, index: int | None, known: Mapping[str, object], inherited: Callable[[str], str | None]
    ) -> str:
        """Of the datum `name`, for the `index`-th job of the node that writes it. `known` are the fields;
        `inherited` tells the path of another datum to the same job, None for a text that is no datum."""
        datum, where = self.template.data[name], f"data.{name}"
        self._check_type(datum, where)
        if datum.path:
            path = below(self.directory, fill(datum.path, known, where), f"{where}.path")
        else:
            file = self._file(name, datum, index, known, inherited)
            above = (
                below(self.directory, fill(datum.dirpath, known, where), f"{where}.dirpath") if datum.dirpath else ""
            )
            path = f"{(above or self.directory).rstrip('/')}/{file}"
        if len(path) > LONGEST or _CONTROL.search(path):
            raise BadInput(f"{where}: its path must be of at most {LONGEST} characters in one line: {path[:200]!r}")
        return path

    def _check_type(self, datum: Datum, where: str) -> None:
        if datum.type and datum.type not in self.extensions:
            hint = near(datum.type, self.extensions) or f": p3s datatype add {datum.type}"
            raise BadInput(f"{where}.type: the server does not know the data type {datum.type!r}{hint}")

    def _file(
        self,
        name: str,
        datum: Datum,
        index: int | None,
        known: Mapping[str, object],
        inherited: Callable[[str], str | None],
    ) -> str:
        where = f"data.{name}.name"
        noop = self.template.nodes[datum.node].jobtype == NOOP
        said = datum.name if datum.sticky or noop or self.policy == STICKY else ""
        if not said and noop:
            raise BadInput(f"data.{name}: {datum.node} is a {NOOP}, nobody writes it, so it needs a name or a path")
        if not said and self.policy.startswith(INHERIT):
            said = self.policy
        if said.startswith(INHERIT):
            origin = fill(said.removeprefix(INHERIT), known, where)
            path = inherited(origin)
            base = bare(origin, self.extensions) if path is None else stem(posixpath.basename(path), self.extensions)
            file = base + self.extensions.get(datum.type, "")
        elif said:
            file = fill(said, known, where)
        else:
            number = "" if index is None else f"-{index}"
            file = f"{self.workflow[:8]}-{datum.node}{number}-{datum.variable}{self.extensions.get(datum.type, '')}"
        if "/" in file or file in ("", ".", "..") or len(file.encode()) > 255:
            raise BadInput(f"{where}: {file[:80]!r} is no file name; write path: for one in a directory")
        return file
