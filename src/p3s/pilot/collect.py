"""Collecting what a payload published: its result files, judged, and the files they name.

The result directory is hostile input, and so is the working directory, where payloads of 2018 left theirs. Whatever
lies there, `collect` comes to an end and says in one line each what it could not take: no pipe makes it wait, no link
leads it outside, no file is too big.
"""

import datetime
import os
import stat
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Optional, Union

from p3s.protocol import classic
from p3s.protocol.patterns import name_problem
from p3s.protocol.result_sizes import MEGABYTE, within_sizes
from p3s.protocol.results import (
    MAX_FILE_BYTES,
    MAX_RESULTS,
    MAX_VALUES,
    ResultError,
    check,
    decode,
    to_wire,
)

MAX_JSON_BYTES = 5_000_000
MAX_JSON_FILES = 100
MAX_DEPTH = 8
MAX_ENTRIES = 20_000
MAX_PROBLEMS = 50


@dataclass(frozen=True)
class Collected:
    """What a payload left for people.

    results: in the wire form of `p3s.protocol.results`; files: the relative paths these name, each once, to be
    uploaded, and where they lie; problems: one line each for what could not be taken.
    """

    results: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def collect(directory: Union[str, "os.PathLike[str]"], work: "Union[str, os.PathLike[str], None]" = None) -> Collected:
    """Read every `p3s-result*.json` at the top of `directory` once, after the payload has ended, and the pairs of
    2018 (`protocol.classic`) there and at the top of the working directory `work`.

    Hidden files, links that lead outside and what is no regular file do not count as published. Where both
    directories have a file of one name, it is that of the result directory.
    """
    listing = _Listing(Path(directory))
    listing.walk()
    if work is not None and has_classic(work):
        listing = listing.over(_walked(Path(work)))
    problems = listing.problems
    documents = _documents(listing, problems) + _classic_documents(listing, problems)
    names = frozenset(listing.sizes)
    results: list[dict[str, Any]] = []
    files: dict[str, Path] = {}
    values_left = MAX_VALUES
    for source, document in documents[:MAX_RESULTS]:
        try:
            result = within_sizes(check(document, names), listing.sizes)
        except ResultError as error:
            problems.append(f"{source}: {error}")
            continue
        if result.values > values_left:
            problems.append(f"{source}: more than {MAX_VALUES} numbers and table cells in one job; it is left out")
            continue
        values_left -= result.values
        results.append(to_wire(result))
        files.update({entry.path: listing.place(entry.path) for item in result.items for entry in item.files})
    if len(documents) > MAX_RESULTS:
        problems.append(f"{len(documents)} results; the first {MAX_RESULTS} are taken: put more items in one")
    return Collected(results, files, _first(problems))


def has_classic(directory: Union[str, "os.PathLike[str]"]) -> bool:
    """Whether files named as those of 2018 lie at its top."""
    try:
        with os.scandir(directory) as entries:
            return any(classic.is_classic(entry.name) for entry in islice(entries, MAX_ENTRIES))
    except OSError:
        return False


def _walked(root: Path) -> "_Listing":
    listing = _Listing(root, results=False)
    listing.walk()
    return listing


class _Listing:
    """The regular files under a directory: result files at its top, and sizes in bytes of all others."""

    def __init__(self, root: Path, results: bool = True) -> None:
        self.root = root
        #: Whether result files of ours count here.
        self.results = results
        self.result_files: list[str] = []
        self.classic_files: list[str] = []
        self.sizes: dict[str, int] = {}
        self.problems: list[str] = []
        #: Of names that come from another directory, where they lie.
        self._elsewhere: dict[str, Path] = {}
        self._entries = 0
        try:
            self._real = os.path.realpath(root)
        except (OSError, ValueError, RuntimeError):
            self._real = str(root)

    def walk(self) -> None:
        waiting: list[tuple[str, int]] = [("", 0)]
        while waiting:
            relative, depth = waiting.pop(0)
            for entry in self._scan(relative):
                name = f"{relative}/{entry.name}" if relative else entry.name
                if entry.name.startswith("."):
                    continue
                if _is_directory(entry):
                    if depth < MAX_DEPTH:
                        waiting.append((name, depth + 1))
                    else:
                        self._say(name, f"is more than {MAX_DEPTH} directories deep; it is left out")
                elif not relative and self.results and _is_result_file(entry.name):
                    self.result_files.append(name)
                else:
                    self._take(name, entry)
                    if not relative and name in self.sizes and classic.is_classic(name):
                        self.classic_files.append(name)
        self.result_files.sort()

    def over(self, other: "_Listing") -> "_Listing":
        """This one, with what only the other has; a working directory may hold what it likes, so nothing is said of
        the other's problems."""
        new = [name for name in other.sizes if name not in self.sizes]
        self._elsewhere.update({name: other.root / name for name in new})
        self.sizes.update({name: other.sizes[name] for name in new})
        self.classic_files = sorted({*self.classic_files, *other.classic_files})
        return self

    def place(self, name: str) -> Path:
        """Where a file lies."""
        return self._elsewhere.get(name, self.root / name)

    def _scan(self, relative: str) -> list["os.DirEntry[str]"]:
        try:
            with os.scandir(self.root / relative) as scan:
                entries = []
                for entry in scan:
                    if self._entries >= MAX_ENTRIES:
                        self._say(relative or ".", f"more than {MAX_ENTRIES} files; the rest is left out")
                        break
                    self._entries += 1
                    entries.append(entry)
        except OSError as error:
            self._say(relative or "result directory", f"cannot be read: {error.strerror}")
            return []
        return sorted(entries, key=lambda entry: entry.name)

    def _take(self, name: str, entry: "os.DirEntry[str]") -> None:
        problem = name_problem(name)
        if problem:
            self._say(name, problem)
            return
        try:
            if entry.is_symlink() and not self._is_inside(entry.path):
                self._say(name, "is a link that leads out of its directory; copy the file")
                return
            status = entry.stat()
        except OSError as error:
            self._say(name, f"cannot be read: {error.strerror}")
            return
        if stat.S_ISREG(status.st_mode):
            self.sizes[name] = status.st_size

    def _is_inside(self, path: str) -> bool:
        try:
            real = os.path.realpath(path)
        except (OSError, ValueError, RuntimeError):
            return False
        return real.startswith(self._real + os.sep)

    def _say(self, name: str, problem: str) -> None:
        self.problems.append(f"{shown(name)}: {problem}")


def _documents(listing: _Listing, problems: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """(file name, decoded result) of every result in the result files."""
    decoded = _decoded(listing, listing.result_files, problems)
    return [(shown(name), document) for name, documents in decoded.items() for document in documents]


def _classic_documents(listing: _Listing, problems: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """(file names, result) of what the pairs of 2018 say."""
    decoded = _decoded(listing, listing.classic_files, problems)
    pairs = {name: entries for name, entries in decoded.items() if classic.is_written_so(name, entries)}
    summaries = {name: entries for name, entries in pairs.items() if name.endswith(classic.SUMMARY)}
    lists = {name: entries for name, entries in pairs.items() if name not in summaries}
    found = classic.translate(summaries, lists, frozenset(listing.sizes), datetime.datetime.astimezone)
    return [(shown(source), document) for source, document in found]


def _decoded(listing: _Listing, names: list[str], problems: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The objects of each file that can be read; of the others, why not."""
    decoded = {}
    for name in names[:MAX_JSON_FILES]:
        try:
            decoded[name] = decode(_read(listing.place(name)))
        except ResultError as error:
            problems.append(f"{shown(name)}: {error}")
        except UnicodeDecodeError:
            problems.append(f"{shown(name)}: not UTF-8; write the file with encoding='utf-8'")
        except OSError as error:
            problems.append(f"{shown(name)}: cannot be read: {error.strerror}")
    if len(names) > MAX_JSON_FILES:
        problems.append(f"{len(names)} result files; the first {MAX_JSON_FILES} are taken")
    return decoded


def _read(path: Path) -> str:
    """The text of a result file.

    Errors: OSError, UnicodeDecodeError, ResultError where it is no regular file or too big.
    """
    if path.is_symlink():
        raise ResultError("is a link; write the file itself")
    content = _bytes(path, MAX_JSON_BYTES, os.O_NOFOLLOW)
    if content is None:
        limit = MAX_JSON_BYTES // MEGABYTE
        raise ResultError(f"has more than {limit} MB; put data in files and only their names here")
    return content.decode("utf-8-sig")


def read_file(path: Path) -> bytes:
    """A file that `collect` named, as it is by now: what the payload left running may have changed it.

    Errors: OSError, ResultError where it is no regular file or too big any more.
    """
    content = _bytes(path, MAX_FILE_BYTES)
    if content is None:
        limit = MAX_FILE_BYTES // MEGABYTE
        raise ResultError(f"has grown beyond {limit} MB; end what writes it before the payload ends")
    return content


def _bytes(path: Path, most: int, flags: int = 0) -> Optional[bytes]:
    """None when it has more than `most`. O_NONBLOCK: no pipe may hold us up."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    with open(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ResultError("is no regular file; write a plain file")
        content = stream.read(most + 1)
    return content if len(content) <= most else None


def _is_result_file(name: str) -> bool:
    return name.startswith("p3s-result") and name.endswith(".json")


def _is_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # what cannot be told is told by the stat that follows
        return False


def shown(name: str) -> str:
    """A file name fit for one line, whatever bytes it has."""
    return ascii(name)[1:-1][:200]


def _first(problems: list[str]) -> list[str]:
    if len(problems) <= MAX_PROBLEMS:
        return problems
    return [*problems[:MAX_PROBLEMS], f"and {len(problems) - MAX_PROBLEMS} more problems"]
