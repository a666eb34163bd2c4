"""Why a file is, was or would be taken or not; and what would become of all that is there. Nobody is told."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from p3s.domain.data.streams import taking
from p3s.protocol.patterns import PatternError, parse
from p3s.protocol.states import Fate

from .inbox import Clock, Ready
from .rules import MOVE, Sight, Verdict, judge
from .storage import SILENT_S, Message, Storage
from .storages import Storages
from .streams import StreamFile, Watched, dataset_of

_PIECES = re.compile(r"\{[^}]*\}|\*|[^{}*]+")


@dataclass(frozen=True)
class Would:
    """A file and what would become of it: `register`, `ignore`, `sampled out`, `wait` or `known`; and why."""

    stream: str
    name: str
    what: str
    why: str = ""
    size: int = 0


@dataclass
class Explained:
    """One stream's view of a file. `fits`: its name does; else `why_not`. `used`: its address after its use, where the
    stream moves files. What is not known is None."""

    stream: str
    pattern: str
    fits: bool = False
    why_not: str = ""
    run: int | None = None
    subrun: int | None = None
    keys: dict[str, Any] = field(default_factory=dict)
    there: bool | None = None
    size: int | None = None
    age_s: float | None = None
    complete: str = ""
    verdict: str = ""
    sample: str = ""
    jobtypes: list[str] = field(default_factory=list)
    used: str = ""


def explain(url: str, streams: Iterable[Watched], clock: Clock) -> list[Explained]:
    """What each stream makes of a file, that may be there or not."""
    return [_of_stream(url, stream, clock) for stream in streams]


def _of_stream(url: str, stream: Watched, clock: Clock) -> Explained:
    found = Explained(stream.spec.name, f"{stream.place}/{stream.pattern.text}")
    name = stream.place.name_of(url)
    request = None if name is None else dataset_of(stream, name)
    if name is None or request is None:
        found.why_not = f"it lies outside {stream.place}" if name is None else _misfit(stream, name)
        return found
    found.fits, found.run, found.subrun, found.keys = True, request.run, request.subrun, dict(request.keys)
    _sample(found, stream, request.name)
    if stream.rules.after.act == MOVE:
        found.used = replace(stream.place, root=stream.rules.after.to).url(name)
    seen, trouble = _seen(stream, name)
    if trouble:
        found.complete = trouble
        return found
    found.there = seen is not None
    if seen is not None:
        age_s = clock.age_s(seen.modified_ns)
        found.size, found.age_s = seen.size, age_s
        _verdict(found, stream, seen, age_s)
    return found


def _misfit(stream: Watched, name: str) -> str:
    """Up to where a name fits a pattern, and what was wanted there."""
    if any(part.startswith(".") for part in name.split("/")):
        return "it is hidden: names that begin with a dot are never taken"
    if any(beside.may_be(name) for beside in stream.companions):
        return "it goes with another file, as its marker or side-car"
    pieces = _PIECES.findall(stream.pattern.text)
    for count in range(len(pieces) - 1, -1, -1):
        if _begins(name, "".join(pieces[:count])):
            rest = f", and then {''.join(pieces[count + 1 :])}" if count + 1 < len(pieces) else ""
            fits = f"behind {''.join(pieces[:count])}" if count else "at its beginning"
            return f"its name does not fit: {fits} stands no {_meant(pieces[count])}{rest}"
    return "its name does not fit"


def _begins(name: str, text: str) -> bool:
    """Whether a name begins as the text says, slashes in what follows or not."""
    if not text:
        return True
    try:
        return any(parse(f"{text}{'*/' * depth}*").match(name) is not None for depth in range(name.count("/") + 1))
    except PatternError:
        return False


def _meant(piece: str) -> str:
    if piece.endswith(":d}"):
        return f"number ({piece})"
    if piece.endswith(":a}"):
        return f"letters ({piece})"
    return repr(piece) if piece[0] not in "{*" else f"text ({piece})"


def _sample(found: Explained, stream: Watched, name: str) -> None:
    """By its name alone; that the first of a run are taken is known to the server."""
    take = stream.spec.take
    taken = taking(stream.spec, name, before=take.first_of_run)
    first = "" if not take.first_of_run else "the first of a run is taken in any case"
    first = first if take.first_of_run < 2 else f"the first {take.first_of_run} of a run are taken in any case"
    found.jobtypes = list(taken.jobtypes)
    if taken.fate is Fate.SAMPLED_OUT:
        found.sample = f"not among one in {take.one_in}{f'; {first}' if first and found.run is not None else ''}"
    elif set(taken.jobtypes) < set(stream.spec.jobs):
        found.sample = f"in the samples of {', '.join(taken.jobtypes)} alone"
    else:
        found.sample = "every file is" if take.one_in == 1 else f"among one in {take.one_in}"


def _seen(stream: Watched, name: str) -> tuple[Sight | None, str]:
    """The file with what goes with it, by a storage's process, that may hang; then the second says so."""
    wanted = [name, *(beside.of(name) for beside in stream.companions)]
    found: dict[str, Any] = {}
    trouble, done = "", False

    def take(_: Storage, message: Message) -> None:
        nonlocal trouble, done
        if message["re"] == "found":
            found.update({entry[0]: entry for entry in message["files"]})
        trouble = message.get("error", trouble) if message["re"] in ("open", "look", "ended") else trouble
        done = done or bool(trouble) or message["re"] == "look"

    storage = Storage(stream.place, stream.depth, take)
    storage.start()
    storage.ask("look", names=wanted)
    end = monotonic() + SILENT_S
    while not done and monotonic() < end:
        storage.wait(0.02)
    storage.give_up()
    if not done:
        return None, f"the storage {stream.place} does not answer"
    if name not in found:
        return None, trouble
    marker, sidecar = stream.rules.complete.marker, stream.rules.sidecar
    return replace(
        Sight(*found[name]),
        marker=marker is not None and marker.of(name) in found,
        sidecar=sidecar is not None and sidecar.beside.of(name) in found,
    ), ""


def _verdict(found: Explained, stream: Watched, seen: Sight, age_s: float) -> None:
    """Its age stands for how long it has rested: a watcher has watched it, we come by."""
    verdict = judge(stream.rules, replace(seen, age_s=age_s, unchanged_s=age_s))
    found.complete = verdict.reason if verdict.kind == "wait" else "yes"
    found.verdict = _said(verdict)
    if verdict.kind == "take" and stream.rules.checksum and seen.sidecar:  # all of it would have to be read
        found.verdict += ", unless its side-car says another adler32"


def _said(verdict: Verdict) -> str:
    if verdict.kind == "take":
        return "taken"
    return f"left out: {verdict.reason}" if verdict.kind == "ignore" else f"waits: {verdict.reason}"


# ---- all that is there


def would(storages: Storages, known: dict[str, dict[str, int | None]]) -> Iterator[Would]:
    """What would become of all files, after a look at the storages that trusts ages. `known`: by stream, URLs that the
    server has, each with its run."""
    for watch in storages.watches:
        for lot in watch.inbox.lots:
            name = lot.stream.spec.name
            for file, held in sorted(lot.waiting.items()):
                yield Would(name, file, "wait", held.reason, held.size)
            kept = dict(lot.ready)
            released = lot.release(start=True, back=False)
            sampled = _sampled(lot.stream, released, known.get(name, {}))
            for file, one in sorted(kept.items()):
                if one.url in known.get(name, {}):
                    yield Would(name, file, "known", "the server has it", one.size)
                elif one.reason:
                    yield Would(name, file, "ignore", one.reason, one.size)
                elif file in sampled:
                    yield Would(name, file, *sampled[file], one.size)
                else:
                    yield Would(name, file, "wait", "for the next scan: enough are taken in this one", one.size)


def _sampled(stream: Watched, released: list[Ready], known: dict[str, int | None]) -> dict[str, tuple[str, str]]:
    """What the server would make of new files, by name: told in this order, and after those of their run that it has,
    which decides on the first of a run."""
    before = Counter(known.values())
    found = {}
    for one in released:
        if one.reason or one.url in known:
            continue
        request = one.request()
        taken = taking(stream.spec, request.name, before=before[request.run] if request.run is not None else 10**9)
        before[request.run] += 1
        jobs = ", ".join(taken.jobtypes) or stream.spec.workflow
        found[one.name] = ("sampled out", "") if taken.fate is Fate.SAMPLED_OUT else ("register", jobs)
    return found


def described(files: Iterable[StreamFile]) -> list[dict[str, Any]]:
    """What stream files say, in plain values."""
    return [
        {
            "file": str(file.path),
            "stream": stream.spec.name,
            "watches": f"{stream.place}/{stream.pattern.text}",
            "makes": list(stream.spec.jobs) or [f"workflow {stream.spec.workflow}"],
            "gathers": list(stream.spec.gather),
            "complete": _completeness(stream),
            "jobtypes": list(file.jobtypes),
        }
        for file in files
        for stream in file.streams
    ]


def _completeness(stream: Watched) -> str:
    complete = stream.rules.complete
    if complete.marker is not None:
        return f"when {complete.marker.text} is there"
    return f"rested {complete.rested_s:g} s" if complete.rested_s else "renamed into place"
