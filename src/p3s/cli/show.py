"""How the command line shows things: tables for people, JSON for programs, ages in words."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from p3s.protocol.errors import BadInput, P3sError
from p3s.protocol.units import counted, of_bytes

# Rich is imported where it is used: most commands print a line, and it takes as long to import as all of theirs.
if TYPE_CHECKING:
    from rich.console import Console

count = counted
"""`1 job`, `3 jobs`: as everything that tells of numbers says it."""

FOLDED = 24
"""A last column of words may be folded to so many columns of the terminal."""

_COLOURS = {"finished": "green", "active": "green", "failed": "red", "lost": "red", "running": "blue"}


@cache
def console() -> "Console":
    """Stdout. In a pipe nothing is cut. `a:b:` is an edge of a graph and no picture."""
    from rich.console import Console

    return Console(emoji=False) if sys.stdout.isatty() else Console(emoji=False, width=1000)


@cache
def errors() -> "Console":
    """Stderr."""
    from rich.console import Console

    return Console(emoji=False, stderr=True)


def as_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=2 if sys.stdout.isatty() else None))


def text(written: str) -> None:
    """What a program or another person wrote: as it is in a pipe, harmless on a terminal."""
    sys.stdout.write(plain(written) if sys.stdout.isatty() else written)
    sys.stdout.flush()


def table(titles: Sequence[str], rows: Iterable[Sequence[Any]], empty: str, spare: Sequence[str] = ()) -> None:
    """A table, or the sentence that says what to do when there is nothing. Columns that are `spare` are left out, the
    first first, while it is wider than the terminal."""
    listed = list(rows)
    if not listed:
        print(empty)
        return
    from rich.table import Table

    columns = list(zip(titles, *listed, strict=True))
    if console().is_terminal:
        columns = _fitting(columns, spare)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    first = max(len(_text(cell)) for cell in columns[0])
    shown.add_column(columns[0][0], no_wrap=True, min_width=first)  # to be copied whole
    for title, *_ in columns[1:]:
        shown.add_column(title)
    for row in zip(*(column[1:] for column in columns), strict=True):
        shown.add_row(*map(_cell, row))
    console().print(shown)


def _fitting(columns: list[tuple[Any, ...]], spare: Sequence[str]) -> list[tuple[Any, ...]]:
    """The columns without as many of the spare ones as there is no room for."""
    from rich.cells import cell_len

    for title in spare:
        widths = [max(cell_len(_text(cell)) for cell in column) for column in columns]
        if sum(widths[:-1]) + min(widths[-1], FOLDED) + 2 * len(widths) - 2 <= console().width:
            return columns
        columns = [column for column in columns if column[0] != title]
    return columns


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _cell(value: Any) -> str:
    text = _text(value)
    clean = unmarked("".join(character if character.isprintable() else "?" for character in text))
    colour = _COLOURS.get(text)
    return f"[{colour}]{clean}[/]" if colour else clean


def unmarked(text: str) -> str:
    """Text from payloads and people is hostile: for rich to print without markup or control characters."""
    from rich.markup import escape

    return escape(plain(text))


def note(text: str) -> None:
    """One line beside the answer, on stderr."""
    print(plain(text), file=sys.stderr)


def refusal(error: P3sError) -> None:
    """What went wrong, on stderr: a line, or one for each mistake."""
    for line in error.mistakes if isinstance(error, BadInput) else [str(error)]:
        note(f"p3s: {line}")


@contextmanager
def status(text: str) -> Iterator[Callable[[str], None]]:
    """say(words): what is being done, on stderr while it is a terminal."""
    with errors().status(unmarked(text)) as shown:
        yield lambda words: shown.update(unmarked(words))


@contextmanager
def progress(what: str, total: int, worth: bool = True) -> Iterator[Callable[[int, str], None]]:
    """advance(done, words): how far it is, on stderr while it is a terminal. `worth`: it may take long."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    seen = worth and errors().is_terminal
    with Progress(*columns, console=errors(), transient=True, disable=not seen) as shown:
        task = shown.add_task(unmarked(what), total=total)
        yield lambda done, words: shown.update(task, completed=done, description=unmarked(words or what))


def size(bytes: float | None) -> str:
    """`7.52 GB`; nothing for what is not known."""
    return "" if bytes is None else of_bytes(bytes)


def judged(status: str) -> str:
    """A result's status in words."""
    return "not judged" if status == "none" else status


def plain(text: str) -> str:
    """Text for a terminal: line breaks stay, other control characters go."""
    return "".join(character if character.isprintable() or character in "\n\t" else "?" for character in text)


def age(moment: float | None, now: float) -> str:
    """How long ago, in one unit: 4 s, 12 min, 3 h, 2 d."""
    return "" if moment is None else length(max(0.0, now - moment))


def length(seconds: float | None) -> str:
    """A duration in one unit."""
    if seconds is None:
        return ""
    for limit, divisor, unit in ((0.9995, 0.001, "ms"), (100, 1, "s"), (100 * 60, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / divisor:.3g} {unit}"
    return f"{seconds / 86400:.3g} d"
