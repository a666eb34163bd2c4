"""A YAML file with the place of everything in it: what is wrong is told as FILE:LINE, with what to write instead."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from p3s.protocol import units
from p3s.protocol.errors import BadInput
from p3s.protocol.guesses import guess, near

MOST_BYTES = 1_000_000
MOST_VALUES = 50_000
DEEPEST = 40
"""A file that is larger, or that aliases blow up, is written by nobody."""


@dataclass(frozen=True)
class Field:
    """A value with its place. `value` is a dictionary of fields by name, a list of fields, or a plain value; `written`
    is a plain value as it was written, so that `1.10` is not 1.1."""

    file: Path
    line: int
    name: str
    value: Any
    written: str = ""

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}: {self.name}" if self.name else f"{self.file}"

    @property
    def own_name(self) -> str:
        """Its name in its section: `np04` of `streams.np04`."""
        return self.name.partition(".")[2]

    def wrong(self, what: str) -> BadInput:
        """The error that says what is wrong here."""
        return BadInput(f"{self.where}: {what}")

    def unknown(self, name: str, known: Collection[str]) -> BadInput:
        """The error of a field whose own name is none of the known."""
        return self.wrong(f"is not a known field{guess(name, known)}")

    @property
    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: field.plain for name, field in self.value.items()}
        if isinstance(self.value, list):
            return [field.plain for field in self.value]
        return self.value

    @property
    def shown(self) -> str:
        """The value in a few words, for messages: `no` is not False to who wrote it."""
        if self.value is None:
            return "nothing"
        return (repr(self.plain) if isinstance(self.value, (str, dict, list)) else self.written)[:60]

    def at(self, path: str) -> "Field":
        """The field of a path like `jobs.monitor.priority` below this one, or the nearest above it that is there."""
        found, rest = self, path
        while rest and isinstance(found.value, dict):
            name = max((name for name in found.value if f"{rest}.".startswith(f"{name}.")), key=len, default=None)
            if name is None:
                break
            found, rest = found.value[name], rest[len(name) + 1 :]
        return found

    # ---- what may stand here

    def names(self, like: str) -> "dict[str, Field]":
        """A dictionary of any names, not empty."""
        if not isinstance(self.value, dict) or not self.value:
            raise self.wrong(f"must be {like}, not {self.shown}")
        return self.value

    def known(self, known: Collection[str], like: str) -> "dict[str, Field]":
        """A dictionary of known names; what is null is left out, as if it were not there."""
        fields = self.names(like)
        for name, field in fields.items():
            if name not in known:
                raise field.unknown(name, known)
        return {name: field for name, field in fields.items() if field.value is not None}

    def items(self, like: str) -> "list[Field]":
        """A list."""
        if not isinstance(self.value, list):
            raise self.wrong(f"must be a list, like {like}, not {self.shown}")
        return self.value

    def text(self, what: str = "must be text") -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.wrong(f"{what}, not {self.shown}")
        return self.value

    def word(self, words: Collection[str]) -> str:
        """One of some words."""
        if not isinstance(self.value, str) or self.value not in words:
            raise self.wrong(f"must be {' or '.join(words)}, not {self.shown}{near(str(self.value), words)}")
        return self.value

    def yes(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong(f"must be true or false, not {self.shown}")
        return self.value

    def whole(self, least: int, most: int = 10**9) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not least <= self.value <= most:
            raise self.wrong(f"must be an integer from {least} to {most:,}, not {self.shown}")
        return self.value

    def seconds(self) -> float:
        """A duration like 30s."""
        if not isinstance(self.value, str):
            unit = f"; write {self.value:g}s" if isinstance(self.value, (int, float)) else ""
            raise self.wrong(f"must be a duration like 30s, 20m or 3h, not {self.shown}{unit}")
        try:
            return units.seconds(self.value)
        except ValueError as error:
            raise self.wrong(str(error)) from None

    def size(self) -> int:
        """Bytes: a size like 7GB, or a plain number."""
        if isinstance(self.value, bool) or not isinstance(self.value, (str, int)):
            raise self.wrong(f"must be a size like 500MB or 7GB, not {self.shown}")
        try:
            return units.size(str(self.value))
        except ValueError as error:
            raise self.wrong(str(error)) from None

    def environment(self) -> dict[str, str]:
        """Variables: values are taken as they are written."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"must be names and values, like {{RELEASE: v2}}, not {self.shown}")
        return {name: field.variable() for name, field in self.value.items()}

    def variable(self) -> str:
        """The value of a variable, as it is written."""
        if isinstance(self.value, bool) or not isinstance(self.value, (str, int, float)):
            raise self.wrong(f"must be a text or a number, not {self.shown}; write it in quotes")
        return self.written


def content(path: Path, most: int = MOST_BYTES) -> str:
    """The text of a file, of at most so many bytes. Raises BadInput that says why it cannot be read."""
    try:
        with path.open("rb") as file:
            found = file.read(most + 1)
        if len(found) > most:
            raise BadInput(f"{path}: is larger than {most:,} bytes; that is no file that a person writes")
        return found.decode()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise BadInput(f"cannot read {path}: {said}") from None


def load(path: Path) -> Field:
    """The whole of a file. Raises BadInput that says where and why it cannot be read."""
    return parse(content(path), path)


def parse(text: str, path: Path, most: int = MOST_VALUES) -> Field:
    """The whole of a text, of at most so many values; `path` is what messages call it. Raises BadInput."""
    return _Building(path, text, most).whole()


class _Loader(yaml.SafeLoader):
    """A day like 2024-01-31 is a text, as its author takes it for one."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:timestamp"]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_HINTS = {
    "'\\t'": "; indent with blanks, not with tabs",
    "another document": "; write one a file, without ---",
    "mapping values are not allowed": "; write a text with a colon in it in quotes",
    "expected ',' or": "; is a bracket not closed? Write a text with a brace, bracket or comma in it in quotes",
    "cannot start any token": "; write a text that begins so in quotes",
}


def _hint(problem: str) -> str:
    """What to write instead of what YAML cannot read."""
    return next((hint for part, hint in _HINTS.items() if part in problem), "")


class _Building:
    """From YAML's nodes, which know their lines, to fields."""

    def __init__(self, path: Path, text: str, most: int) -> None:
        self.path, self.left = path, most
        self.text = text

    def whole(self) -> Field:
        try:
            self.loader = _Loader(self.text)
            node = self.loader.get_single_node()
            return Field(self.path, 1, "", None) if node is None else self._field(node, "", 0)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = f":{mark.line + 1}" if mark else ""
            problem = str(error.problem or error.context)
            raise BadInput(f"cannot read {self.path}{line}: {problem}{_hint(problem)}") from None
        except RecursionError:
            raise BadInput(f"cannot read {self.path}: it is nested too deeply") from None
        except (yaml.YAMLError, ValueError) as error:
            raise BadInput(f"cannot read {self.path}: {' '.join(str(error).split())[:300]}") from None

    def _field(self, node: yaml.Node, name: str, depth: int) -> Field:
        self.left -= 1
        line = node.start_mark.line + 1
        if self.left < 0 or depth > DEEPEST:
            raise BadInput(
                f"{self.path}:{line}: {name[:60]}: there is too much of this; that is no file that a person writes"
            )
        if isinstance(node, yaml.MappingNode):
            value = dict(self._entries(node, name, depth))
            return Field(self.path, line, name, value)
        if isinstance(node, yaml.SequenceNode):
            items = [self._field(one, f"{name}[{place}]", depth + 1) for place, one in enumerate(node.value)]
            return Field(self.path, line, name, items)
        return Field(self.path, line, name, self.loader.construct_object(node), node.value)

    def _entries(self, node: yaml.MappingNode, name: str, depth: int) -> Iterator[tuple[str, Field]]:
        seen: set[str] = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise BadInput(f"{self.path}:{line}: {name}: a name must be text")
            if key.value in seen and key.value != "<<":
                where = f"{name}.{key.value}".lstrip(".")
                raise BadInput(f"{self.path}:{line}: {where}: stands twice; the second would hide the first")
            seen.add(key.value)
        self.loader.flatten_mapping(node)
        for key, value in node.value:
            where = f"{name}.{key.value}".lstrip(".")
            field = self._field(value, where, depth + 1)
            yield key.value, Field(field.file, key.start_mark.line + 1, where, field.value, field.written)
