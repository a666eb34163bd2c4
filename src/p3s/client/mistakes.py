"""All that is wrong with a file, in the file's order: reading goes on after a mistake, with what can stand for it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from p3s.protocol.errors import BadInput
from p3s.protocol.guesses import near
from p3s.protocol.mistakes import refuse

from .document import Field

T = TypeVar("T")


class Mistakes:
    """Of one file, or of one part of it: `with Mistakes() as wrong:` raises BadInput with all of them at its end. `len`
    says how many were found so far."""

    def __init__(self) -> None:
        self._found: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._found)

    def __enter__(self) -> "Mistakes":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.refuse()

    def refuse(self) -> None:
        """Raises BadInput with all of them, by line."""
        refuse(sorted(self._found, key=self._found.__getitem__))

    def note(self, line: int, error: BadInput) -> None:
        """The same mistake is told once, however many readers stumble over it. `line`: 0 for one of the whole file."""
        for mistake in error.mistakes:
            self._found.setdefault(mistake, line)

    @contextmanager
    def noted(self, line: int) -> Iterator[None]:
        """What is refused within is a mistake of this line."""
        try:
            yield
        except BadInput as error:
            self.note(line, error)

    def placed(self, field: Field, mistakes: Iterable[str]) -> None:
        """What the server would refuse of a thing: each mistake names a place in it, which stands in this field."""
        for mistake in mistakes:
            path, _, what = mistake.partition(": ")
            place = field.at(path)
            self.note(place.line, BadInput(f"{place.file}:{place.line}: {field.name}.{path}: {what}"))

    # ---- reading what may be wrong

    def read(self, reader: Callable[[Field], T], field: Field | None, otherwise: T) -> T:
        """What stands there; `otherwise` if nothing does, or what cannot be read."""
        if field is None:
            return otherwise
        with self.noted(field.line):
            return reader(field)
        return otherwise

    def each(self, reader: Callable[[Field], T], fields: Mapping[str, Field]) -> dict[str, T]:
        """Of all that can be read."""
        found = {}
        for name, field in fields.items():
            with self.noted(field.line):
                found[name] = reader(field)
        return found

    def names(self, field: Field | None, like: str) -> dict[str, Field]:
        """A dictionary of any names; empty if it is none."""
        return self.read(lambda one: one.names(like), field, {})

    def known(self, field: Field, known: Collection[str], like: str) -> dict[str, Field]:
        """A dictionary of known names; what is null is left out, as if it were not there."""
        fields = self.names(field, like)
        for name, one in fields.items():
            if name not in known:
                self.note(one.line, one.unknown(name, known))
        return {name: one for name, one in fields.items() if name in known and one.value is not None}

    def required(self, field: Field, name: str, known: Collection[str], what: str) -> None:
        """A name that must stand there, unless it is what another was meant to be."""
        fields = field.value if isinstance(field.value, dict) else {}
        there = name in fields and fields[name].value is not None
        if fields and not there and not any(near(one, [name]) for one in fields if one not in known):
            missing = replace(field, name=f"{field.name}.{name}" if field.name else name)
            self.note(field.line, missing.wrong(what))

    def environment(self, field: Field | None) -> dict[str, str]:
        """Variables, as `Field.environment`."""
        if field is None or not isinstance(field.value, dict):
            return self.read(Field.environment, field, {})
        return self.each(Field.variable, field.value)
