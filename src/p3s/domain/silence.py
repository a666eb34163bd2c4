"""Pilots that are not heard: which, and the one alarm that says so. A silent pilot is not yet lost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from p3s.domain.book import Book
from p3s.domain.expiry import silent_for
from p3s.domain.pool import PilotEntry
from p3s.protocol.units import counted

CAUSE = "silent pilots"
"""One cause, however many pilots and places: a cut network is one thing to know, not three hundred."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something a person should know. `cause` names it while it lasts; `severity` is `warning` or `bad`."""

    cause: str
    kind: str
    message: str
    severity: str
    detail: dict[str, Any] = field(default_factory=dict)


def silence_s(book: Book, entry: PilotEntry, now: float) -> float | None:
    """For how many seconds a silent pilot was not heard; None for one that is not silent. This is the one rule.

    One with an open lane is there: it waits for us.
    """
    unheard_s = silent_for(book, entry, now)
    return unheard_s if unheard_s > book.silent_s and entry.lane is None else None


def silent(book: Book, now: float) -> list[PilotEntry]:
    """Pilots that are silent."""
    unheard = book.heard.unheard(lambda entry: silent_for(book, entry, now) > book.silent_s, now)
    return [entry for entry in unheard if silence_s(book, entry, now) is not None]


def alarm(book: Book, now: float) -> Alarm | None:
    """The alarm about silent pilots at `now`, grouped by site and host; None while all are heard."""
    found = silent(book, now)
    if not found:
        return None
    since = now - max(silent_for(book, entry, now) for entry in found)
    doubt = len(found) > 1 and 2 * len(found) > len(book.pilots)
    message = f"{_where(found)} silent since {datetime.fromtimestamp(since, UTC):%H:%M:%S} UTC"
    if doubt:
        share = "all" if len(found) == len(book.pilots) else f"{len(found)} of all {len(book.pilots)}"
        message = f"Is this server's own network well? It hears {share} no more: {message}"
    detail = {"pilots": len(found), "of": len(book.pilots), "since": since, "sites": _by_place(found)}
    return Alarm(CAUSE, "silence", message, "bad" if doubt else "warning", detail)


def ending(book: Book, detail: dict[str, Any]) -> str:
    """What became of the pilots of an alarm that is over, in a few words."""
    pilots = [pilot for hosts in detail["sites"].values() for held in hosts.values() for pilot in held]
    back = sum(pilot in book.pilots for pilot in pilots)
    gone = len(pilots) - back
    return ", ".join(words for count, words in ((back, f"{back} heard again"), (gone, f"{gone} ended")) if count)


def _where(found: Sequence[PilotEntry]) -> str:
    """«300 pilots on 12 hosts of 2 sites»."""
    hosts, sites = sorted({(one.site, one.host) for one in found}), sorted({one.site for one in found})
    pilots = counted(len(found), "pilot")
    on = f"on {hosts[0][1]}" if len(hosts) == 1 else f"on {len(hosts)} hosts"
    return f"{pilots} {on} of {f'site {sites[0]}' if len(sites) == 1 else f'{len(sites)} sites'}"


def _by_place(found: Sequence[PilotEntry]) -> dict[str, dict[str, list[str]]]:
    """Site -> host -> pilots."""
    places: dict[str, dict[str, list[str]]] = {}
    for entry in found:
        places.setdefault(entry.site, {}).setdefault(entry.host, []).append(entry.pilot)
    return places
