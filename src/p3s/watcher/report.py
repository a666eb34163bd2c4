"""How a watcher stands, told the server as a service: its silence, and a storage that is silent, are alarms."""

import re
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

from p3s.client.sdk import Client
from p3s.protocol.errors import Refused, TryLater
from p3s.protocol.services import LONGEST, ServiceReport
from p3s.protocol.units import counted, of_bytes

from .storages import Watch
from .watch import Watcher

EVERY_S = 20.0
PROMISED_S = 60.0
"""It reports so often, and promises that."""


def service_name(files: Sequence[Path], host: str = "") -> str:
    """`watcher-HOST-FILE`: the same over restarts, another for another file or machine."""
    words = ["watcher", (host or socket.gethostname()).partition(".")[0], *(file.stem for file in files)]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", "-".join(words))[: LONGEST["name"]]


class Reporter:
    """Reports at intervals, and at once when a storage falls silent or comes back."""

    def __init__(self, client: Client, watcher: Watcher, name: str, say: Callable[[str], None]) -> None:
        self.client, self.watcher, self.name, self.say = client, watcher, name, say
        self._next_at = 0.0
        self._told_error = ""
        self._refused = ""

    def step(self, now: float) -> None:
        """A report when one is due. A server that is away hears the next one."""
        error = trouble(self.watcher.storages.watches)
        if now < self._next_at and bool(error) == bool(self._told_error):
            return
        self._next_at = now + EVERY_S
        if self._send(standing(self.watcher, now, PROMISED_S)):
            self._told_error = error

    def end(self) -> None:
        """It is stopped on purpose: no word is promised any more."""
        report = standing(self.watcher, monotonic(), 0.0)
        self._send(ServiceReport(f"stopped; {report.text}", report.value, report.unit))

    def _send(self, report: ServiceReport) -> bool:
        try:
            self.client.report_service(self.name, report)
        except TryLater:
            return False
        except Refused as error:
            if str(error) != self._refused:
                self.say(f"the report as service {self.name} was refused: {error}")
            self._refused = str(error)
            return False
        return True


def standing(watcher: Watcher, now: float, every_s: float) -> ServiceReport:
    """What there is to say: the inbox, how far behind it is, the last file, what is wrong."""
    lots = [lot for watch in watcher.storages.watches for lot in watch.inbox.lots]
    files = sum(lot.inbox[0] for lot in lots)
    size = sum(lot.inbox[1] for lot in lots)
    lag_s = max((lot.lag_s(now) for lot in lots), default=0.0)
    last = max(lots, key=lambda lot: lot.last_at, default=None)
    words = [f"inbox {counted(files, 'file')}, {of_bytes(size)}", f"lag {lag_s:.0f} s"]
    words += [f"last {last.last}"] if last is not None and last.last else []
    refused = len(watcher.registrar.refused)
    words += [f"{refused} refused"] if refused else []
    unmatched = sum(watch.inbox.unmatched for watch in watcher.storages.watches)
    like = next((watch.inbox.unmatched_like for watch in watcher.storages.watches if watch.inbox.unmatched), "")
    words += [f"{unmatched} fit no pattern, like {like[:60]}"] if unmatched else []
    words += [note for watch in watcher.storages.watches for note in watch.notes]
    text = "; ".join(words)[: LONGEST["text"]]
    return ServiceReport(text, round(lag_s, 1), "s", every_s, trouble(watcher.storages.watches)[: LONGEST["error"]])


def trouble(watches: Sequence[Watch]) -> str:
    """What is wrong with storages, and since when."""
    return "; ".join(
        f"storage {watch.place} {'silent' if watch.silent else watch.trouble} since {_moment(watch.since)}"
        for watch in watches
        if watch.since
    )


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
