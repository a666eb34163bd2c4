"""Processes of attempts: starting them in directories of their own, seeing them end, signalling all they started."""

import os
import re
import shlex
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from p3s.protocol.messages import MAX_TAIL_BYTES, Order

from . import processes
from .berth import LOGS, Berth
from .spawn import spawn

CLIENTS = "clients"
"""Below the tools: the clients of 2018 that payloads call."""


class NonStarter(Exception):
    """The payload is not there or cannot be executed here; one line that says so."""


@dataclass
class Place:
    """What every payload of this pilot is given. `tools` holds p3s_result.py, p3s-publish and p3s-inputs; `environment`
    is the pilot's own, copied once."""

    tools: Path
    server: str
    site: str
    pilot: str
    environment: "dict[str, str]" = field(default_factory=lambda: dict(os.environ))


class Running:
    """An attempt's process, in a berth of its own."""

    def __init__(self, place: Place, order: Order, berth: Berth) -> None:
        self.order = order
        self.place = place
        self.berth = berth
        self.pid = 0
        #: As from `wait`, once it was reaped: then its number may be another's.
        self.code: Optional[int] = None
        self.pidfd = -1

    def start(self) -> None:
        """Raises NonStarter. Afterwards `pidfd` becomes readable when the process ends."""
        environment = self._environment()
        _write_lists(environment, self.berth.work)
        command = _command(self.order.payload, environment, self.berth.work)
        _make_directories(self.order.env)
        try:
            out, err = self.berth.writers()
        except OSError as error:
            raise NonStarter(f"on this node: {error}") from None
        try:
            self.pid = spawn(command, environment, str(self.berth.work), out, err)
        except OSError as error:
            raise NonStarter(_why(error, command[0])) from None
        except ValueError as error:
            raise NonStarter(f"cannot be executed: {error}") from None
        finally:
            os.close(out)
            os.close(err)
        self.pidfd = os.pidfd_open(self.pid)

    def reap(self) -> "tuple[int, float, int]":
        """(status as from `wait`, CPU seconds, peak memory in bytes) of the process that has ended."""
        self._signal_group(signal.SIGKILL)  # what it left behind: the slot is free, so must the node be
        _, status, usage = os.wait4(self.pid, 0)
        os.close(self.pidfd)
        self.code = os.waitstatus_to_exitcode(status)
        return self.code, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024

    def signal(self, number: int) -> None:
        """Signal everything that the attempt started."""
        if not self.pid:
            return
        if self.code is None:
            self._signal_group(number)
        mark = f"P3S_JOB_UUID={self.order.job}".encode()
        processes.send(processes.carriers(mark) - {self.pid}, number)

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def tails(self) -> "tuple[str, str]":
        """The ends of stdout and stderr."""
        return self.berth.tail("stdout"), self.berth.tail("stderr")

    def long_logs(self) -> "list[tuple[str, Path]]":
        """Logs that the tails do not hold whole."""
        return [(name, self.berth.log(name)) for name in LOGS if self.berth.log_size(name) > MAX_TAIL_BYTES]

    def _environment(self) -> "dict[str, str]":
        """The pilot's own, what the order says, and what p3s alone may say, in that order."""
        place, order = self.place, self.order
        environment = {**place.environment, **order.env}
        paths = _before(place.tools, environment.get("PATH", os.defpath))
        # Last, and in no PYTHONPATH: their names are common ones.
        environment["PATH"] = f"{paths}{os.pathsep}{place.tools / CLIENTS}"
        # Wrappers of 2018 call $P3S_HOME/clients/monrun.py; a site that has its own says so.
        environment.setdefault("P3S_HOME", str(place.tools))
        environment["PYTHONPATH"] = _before(place.tools, environment.get("PYTHONPATH", ""))
        environment.update(
            P3S_SERVER=place.server,
            P3S_TOKEN=order.token,
            P3S_SITE=place.site,
            P3S_PILOT_UUID=place.pilot,
            P3S_JOB_UUID=order.job,
            P3S_RESULT_DIR=str(self.berth.results),
            P3S_JOB_DIR=str(self.berth.work),
        )
        return environment


def _write_lists(environment: "dict[str, str]", work: Path) -> None:
    """Values that no environment would hold: `P3S_LISTS` names variables each of which becomes a file, and holds its
    path."""
    for name in environment.get("P3S_LISTS", "").split():
        file = work / f"{name}.list"
        if name not in environment or not _VARIABLE.fullmatch(name):
            continue
        try:
            file.write_bytes(os.fsencode(environment[name] + "\n"))
        except OSError as error:
            raise NonStarter(f"cannot write {file} on this node: {error}") from None
        environment[name] = str(file)


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _before(directory: Path, paths: str) -> str:
    return f"{directory}{os.pathsep}{paths}" if paths else str(directory)


_PLAIN = re.compile(r"[^'\"\\]*")
_PLAIN_WORDS = re.compile(r"[^ \t\r\n]+")
"""Without quotes, words are what the shell's rules make of them too, at a tenth of the time."""


def _command(payload: str, environment: "dict[str, str]", work: Path) -> "list[str]":
    """The payload text as arguments, or for the shell (`P3S_EXECMODE=SHELL`); `P3S_MODE=COPY` copies the script."""
    if environment.get("P3S_EXECMODE") == "SHELL":
        return ["/bin/sh", "-c", payload]
    try:
        words = _PLAIN_WORDS.findall(payload) if _PLAIN.fullmatch(payload) else shlex.split(payload)
    except ValueError as error:
        raise NonStarter(f"cannot split the payload into words ({error}): {payload[:200]}") from None
    if not words:
        raise NonStarter("the payload is empty")
    if environment.get("P3S_MODE") == "COPY":
        try:
            words[0] = shutil.copy(words[0], str(work))
        except OSError as error:
            raise NonStarter(_why(error, words[0])) from None
    return words


def _make_directories(env: "dict[str, str]") -> None:
    """Of the files that the job is to write: `P3S_OUTPUTS` names the variables that hold their paths. Nothing else is
    made of what they say, and nothing that the payload could not make itself."""
    for name in env.get("P3S_OUTPUTS", "").split():
        path = env.get(name, "")
        if not path.startswith("/"):
            continue  # an address, or beside the job
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            said = error.strerror if isinstance(error, OSError) else error
            raise NonStarter(f"cannot make the directory of {name}, {path[:500]}: {said}") from None


def _why(error: OSError, program: str) -> str:
    said = {
        "FileNotFoundError": "is not there on this node",
        "PermissionError": "is not executable on this node (chmod +x?)",
    }.get(type(error).__name__, f"cannot be executed: {error.strerror} (a script needs a first line like #!/bin/sh)")
    return f"{program[:500]} {said}"
