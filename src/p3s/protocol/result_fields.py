"""Reading single fields of a result strictly: the right type, within limits, or an error with its place."""

import math
import unicodedata
from collections.abc import Collection
from typing import Any, Optional

from p3s.protocol.guesses import guess
from p3s.protocol.patterns import Coordinate
from p3s.protocol.result_limits import Limits

MAX_TEXT = 200
MAX_KEYS = 20
MAX_KEY = 40
MAX_UNIT = 40
MAX_KIND = 12
_INTEGER_LIMIT = 2**63
_ALIKE = 0.5  # the names of fields are short: of `gud` and `good` not much more is the same


class ResultError(ValueError):
    """A result, or one item of it, that is refused.

    The message is one line: where (the path in the JSON), what is wrong and what to write instead.
    """


def describe(value: object) -> str:
    """A value of decoded JSON in a few words, never long whatever a payload wrote."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, str):
        return "the text " + (ascii(value) if len(value) <= 40 else ascii(value[:37] + "..."))
    if isinstance(value, int) and abs(value) >= _INTEGER_LIMIT:
        return "an integer of more than 64 bits"
    return repr(value)[:40]


def bad_character(text: str, lines: bool) -> Optional[str]:
    """The first character that no page or database would take, as U+XXXX; `lines` allows line breaks."""
    for character in text:
        if lines and character in "\n\t\r":
            continue
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            return f"U+{ord(character):04X}"
    return None


class Fields:
    """The fields of one JSON object at the path `where`.

    Every method reads one field, gives None (or the empty value) where it is missing or null, and raises
    ResultError where it is wrong.
    """

    def __init__(self, document: dict[str, Any], where: str) -> None:
        self.document = document
        self.where = where

    def path(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def error(self, name: str, message: str) -> ResultError:
        return ResultError(f"{self.path(name)}: {message}")

    def wrong(self, name: str, value: object, write: str) -> ResultError:
        return self.error(name, f"{describe(value)} is not allowed here; write {write}")

    def only(self, known: Collection[str]) -> None:
        """Refuse a field that is not among `known`."""
        for name in self.document:
            if name in known:
                continue
            shown = ascii(name if len(name) <= 40 else name[:37] + "...")
            hint = guess(name, sorted(known), _ALIKE)
            raise ResultError(f"{self.where or 'result'}: unknown field {shown}{hint}")

    def text(self, name: str, limit: int = MAX_TEXT, lines: bool = False) -> str:
        """A text of at most `limit` characters, '' where missing; `lines` allows line breaks."""
        value = self.document.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.wrong(name, value, "a text in quotes")
        if len(value) > limit:
            raise self.error(name, f"{len(value)} characters; at most {limit} are allowed")
        bad = bad_character(value, lines)
        if bad:
            raise self.error(name, f"the character {bad} is not allowed; write plain text")
        return value

    def required_text(self, name: str, limit: int = MAX_TEXT) -> str:
        value = self.text(name, limit)
        if not value.strip():
            raise self.error(name, f"missing; write a text of 1 to {limit} characters")
        return value

    def word(self, name: str, words: Collection[str], default: str) -> str:
        value = self.document.get(name)
        if value is None:
            return default
        if not isinstance(value, str) or value not in words:
            raise self.wrong(name, value, "one of " + ", ".join(words))
        return value

    def integer(self, name: str, low: int = -_INTEGER_LIMIT, high: int = _INTEGER_LIMIT - 1) -> Optional[int]:
        value = self.document.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            bounds = "" if low == -_INTEGER_LIMIT else f" from {low} to {high}"
            raise self.wrong(name, value, f"an integer{bounds} without quotes")
        return value

    def number(self, name: str) -> Optional[float]:
        """A finite number, an integer kept as one."""
        value = self.document.get(name)
        return None if value is None else self._finite(name, value)

    def limits(self, name: str) -> Optional[Limits]:
        """[low or null, high or null] with low <= high; None where missing."""
        value = self.document.get(name)
        if value is None:
            return None
        if not isinstance(value, (list, tuple)) or len(value) != 2:
            raise self.wrong(name, value, "[low, high], with null for no limit on a side")
        low, high = (None if side is None else self._finite(name, side) for side in value)
        if low is not None and high is not None and low > high:
            raise self.error(name, f"the low limit {low} is above the high limit {high}; write [low, high]")
        return low, high

    def numbers(self, name: str, most: int, holes: bool = False) -> tuple[Optional[float], ...]:
        """A list of at most `most` finite numbers, () where missing; with `holes` null stands for a missing one."""
        value = self.document.get(name)
        if value is None:
            return ()
        if not isinstance(value, (list, tuple)):
            raise self.wrong(name, value, "a list of numbers such as [1, 2.5]")
        if len(value) > most:
            raise self.error(name, f"{len(value)} numbers; at most {most} are allowed here")
        for index, entry in enumerate(value):
            if not (holes and entry is None):
                self._finite(f"{name}[{index}]", entry)
        return tuple(value)

    def pair(self, name: str) -> Optional[tuple[float, float]]:
        """Two numbers [warning, bad] with 0 <= warning <= bad; None where missing."""
        limits = self.limits(name)
        if limits is None:
            return None
        low, high = limits
        if low is None or high is None or low < 0:
            raise self.error(name, "write [warning, bad], two fractions such as [0.2, 0.5]")
        return low, high

    def coordinates(self, name: str) -> dict[str, Coordinate]:
        """An object of texts to integers or texts; {} where missing."""
        value = self.document.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(name, value, 'an object such as {"plane": "U", "apa": 3}')
        if len(value) > MAX_KEYS:
            raise self.error(name, f"{len(value)} entries; at most {MAX_KEYS} are allowed")
        inner = Fields(value, self.path(name))
        for key in value:
            if not 1 <= len(key) <= MAX_KEY or bad_character(key, lines=False):
                raise self.error(name, f"{describe(key)} as a key; write 1 to {MAX_KEY} plain characters")
        return {key: inner.coordinate(key) for key in value}

    def coordinate(self, name: str) -> Coordinate:
        value = self.document[name]
        if isinstance(value, str):
            return self.text(name)
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= _INTEGER_LIMIT:
            raise self.wrong(name, value, "an integer or a text")
        return value

    def texts(self, name: str, most: int) -> list[str]:
        """A text or a list of texts; [] where missing."""
        value = self.document.get(name)
        if value is None:
            return []
        entries = value if isinstance(value, (list, tuple)) else [value]
        if len(entries) > most:
            raise self.error(name, f"{len(entries)} entries; at most {most} are allowed")
        inner = Fields({str(index): entry for index, entry in enumerate(entries)}, self.path(name))
        return [inner.required_text(index) for index in inner.document]

    def _finite(self, name: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(name, value, "a number without quotes, or null")
        if isinstance(value, int):
            if abs(value) >= _INTEGER_LIMIT:
                raise self.wrong(name, value, "it as 1.2e34")
            return value
        if not math.isfinite(value):
            raise self.error(name, f"{value} is not a finite number; write null")
        return value
