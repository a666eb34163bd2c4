"""`p3s-pilot.pyz`: an agent on a worker node. One file, any Python from 3.9, outgoing HTTP."""

import argparse
import json
import os
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Optional

from p3s.protocol import codec, routes, units
from p3s.protocol.errors import Conflict, Gone, P3sError, Stranger, TryLater
from p3s.protocol.messages import BOUNDS, PROTOCOL_VERSION, RegisterReply, RegisterRequest
from p3s.transport.http import Connection, base_url

from . import guardian, orphans
from .agent import Agent, clock, end_on_signals, say, unpack_tools
from .backoff import delay
from .berth import Berths
from .machine import Machine
from .runner import Place
from .spawn import keep_to_ourselves
from .version import VERSION

TOKEN_PIPE = "P3S_PILOT_TOKEN_PIPE"

EPILOG = """examples:
  P3S_SERVER=http://p3s.example:8373 P3S_TOKEN=... python3 p3s-pilot.pyz --slots 4
  python3 p3s-pilot.pyz --server p3s.example:8373 --token-file ~/.p3s-token --site lxplus
"""


def main() -> int:
    """0 after an orderly end, 1 when it could not start, 2 for a wrong command line."""
    if sys.argv[1:2] == ["guardian"]:
        return guardian.watch()
    asked = _parser().parse_args()
    asked.ends_at = clock() + asked.life
    named = asked.server or os.environ.get("P3S_SERVER", "")
    try:
        server = base_url(named)
    except ValueError as error:
        why = str(error) if named else "no server: set P3S_SERVER=http://HOST:PORT, or say --server"
        print(f"p3s pilot: {why}", file=sys.stderr)
        return 2
    _hide_token()
    try:
        token = _token(asked.token_file)
        directory = Path(tempfile.mkdtemp(prefix="p3s-pilot-", dir=asked.dir)).resolve()
    except OSError as error:
        print(f"p3s pilot: cannot use {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    try:
        return _serve(server, token, directory, asked)
    except P3sError as error:
        print(f"p3s pilot: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        if not asked.keep:
            shutil.rmtree(directory, ignore_errors=True)


def _serve(server: str, token: str, directory: Path, asked: argparse.Namespace) -> int:
    """Register and serve; again under a new name whenever the server has given this pilot up."""
    agent: Optional[Agent] = None

    def leave() -> None:
        raise KeyboardInterrupt

    end_on_signals(lambda: agent, leave)
    keep_to_ourselves()
    orphans.adopt()
    # A lane that has its answer must not wait the usual 5 ms for the loop to let it speak.
    sys.setswitchinterval(5e-4)
    tools = unpack_tools(directory)
    berths = Berths(directory, asked.slots, asked.keep)
    while True:
        name = str(uuid.uuid4())
        pipe = _start_guardian()
        try:
            sent_at, reply = _register(Connection(server, token), name, asked)
        except Gone:  # the answer was lost for so long that the server gave the pilot up
            _close(pipe)
            continue
        except P3sError as error:
            say(f"cannot register: {error}")
            _close(pipe)
            return 1
        own = "" if asked.keep else str(directory)
        word = {"pilot": name, "token": reply.token, "server": server, "lease_s": reply.lease_s, "directory": own}
        place = Place(tools, server, asked.site, name)
        machine = Machine(asked.slots, reply.lease_s, reply.wait_s, sent_at, secrets.randbelow(1000) / 1000)
        with _signals_held_back():  # whom the guardian knows leaves as an agent does, with goodbye
            _tell(pipe, word)
            say(f"{name} serves {server} with {asked.slots} slots")
            agent = Agent(machine, place, berths, reply.token)
        over = _end_with_life(agent, asked)
        finish = agent.run()
        over.cancel()
        agent = None
        _tell(pipe, {"end": True})
        _close(pipe)
        say(f"{name} ends: {finish.why}")
        if not finish.again:
            return 0


@contextmanager
def _signals_held_back() -> "Iterator[None]":
    """They come when this is over."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_life(agent: Agent, asked: argparse.Namespace) -> threading.Timer:
    """When its life is over a pilot ends, after the jobs that it has. Cancel this when it has ended before."""
    left_s = max(asked.ends_at - clock(), 0.0)
    timer = threading.Timer(left_s, agent.ask_to_end, ("its life is over", False))
    timer.daemon = True
    if asked.life:
        timer.start()
    return timer


def _register(connection: Connection, name: str, asked: argparse.Namespace) -> "tuple[float, RegisterReply]":
    """(moment of sending, reply). Waits for a server that is not there; raises what it refuses for good."""
    request = RegisterRequest(
        name,
        uuid.uuid4().hex,
        PROTOCOL_VERSION,
        VERSION,
        socket.gethostname(),
        asked.slots,
        asked.site,
        platform.python_version(),
        os.getpid(),
        asked.batch_id,
        asked.cores,
        asked.memory,
        asked.gpus,
        tuple(asked.tag),
        tuple(asked.runtime),
        max(asked.ends_at - clock(), 1.0) if asked.life else 0.0,
    )
    failures = 0
    while True:
        sent_at = clock()
        try:
            body = connection.call(routes.REGISTER.method, routes.REGISTER.path, codec.encode(request))
            reply = _decoded(connection, body)
            if reply.protocol != PROTOCOL_VERSION:
                raise Conflict(f"the server speaks protocol {reply.protocol}, this pilot {PROTOCOL_VERSION}: upgrade")
            return sent_at, reply
        except Stranger:
            raise
        except TryLater as error:
            if not failures:
                say(f"{error} Waiting for it.")
            failures += 1
            time.sleep(delay(failures, 0.5))


def _decoded(connection: Connection, body: bytes) -> RegisterReply:
    try:
        return codec.decode(RegisterReply, body)
    except ValueError:
        raise connection.stranger(" that is none of p3s") from None


def _start_guardian() -> "subprocess.Popen[bytes]":
    """In a session of its own, so that what ends the pilot does not end it too."""
    return subprocess.Popen([sys.executable, *_own_words(), "guardian"], stdin=subprocess.PIPE, start_new_session=True)


def _tell(pipe: "subprocess.Popen[bytes]", word: "dict[str, object]") -> None:
    assert pipe.stdin is not None
    try:
        pipe.stdin.write(json.dumps(word).encode() + b"\n")
        pipe.stdin.flush()
    except OSError:
        say("the guardian is gone; should this pilot die, its jobs are known lost only after the lease")


def _close(pipe: "subprocess.Popen[bytes]") -> None:
    assert pipe.stdin is not None
    pipe.stdin.close()
    pipe.wait(timeout=10)


def _hide_token() -> None:
    """Start this very program again without the token in its environment, where payloads could read it."""
    token = os.environ.pop("P3S_TOKEN", "")
    if not token:
        return
    reading, writing = os.pipe()
    os.write(writing, token.encode())
    os.close(writing)
    os.set_inheritable(reading, True)
    os.environ[TOKEN_PIPE] = str(reading)
    os.execv(sys.executable, [sys.executable, *_own_words(), *sys.argv[1:]])


def _own_words() -> "list[str]":
    """How this program is started: the one file in isolation, or the installed package."""
    return ["-I", "-S", sys.argv[0]] if sys.argv[0].endswith(".pyz") else ["-m", "p3s.pilot"]


def _token(path: Optional[str]) -> str:
    if path:
        return Path(path).expanduser().read_text().strip()
    pipe = os.environ.pop(TOKEN_PIPE, "")
    if not pipe:
        return ""
    with open(int(pipe), "rb") as file:
        return file.read().decode().strip()


def _slots(text: str) -> int:
    return _within(text, "slots")


def _cores(text: str) -> int:
    return _within(text, "cores")


def _gpus(text: str) -> int:
    return _within(text, "gpus")


def _within(text: str, bound: str) -> int:
    lowest, highest = BOUNDS[bound]
    if not lowest <= int(text) <= highest:
        raise argparse.ArgumentTypeError(f"must be from {lowest} to {highest}")
    return int(text)


def _size(text: str) -> int:
    try:
        return units.size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _life(text: str) -> float:
    try:
        return units.seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="p3s-pilot",
        description="Pull jobs from a p3s server and run them here, until told to stop (Ctrl-C).",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--server", default="", help="URL or host:port (default: P3S_SERVER)")
    parser.add_argument("--token-file", help="file that holds the token (default: the token in P3S_TOKEN)")
    parser.add_argument("--slots", type=_slots, default=os.cpu_count() or 1, help="jobs at once (default: the cores)")
    parser.add_argument("--site", default="local", help="name of the place where it runs")
    parser.add_argument("--cores", type=_cores, default=0, help="for all jobs together (default: as many as slots)")
    parser.add_argument("--memory", type=_size, default=0, help="for all jobs together, like 16GB (default: unknown)")
    parser.add_argument("--gpus", type=_gpus, default=0, help="for all jobs together (default: none)")
    parser.add_argument("--tag", action="append", default=[], help="a word that jobs may need, like cvmfs; repeatable")
    parser.add_argument("--runtime", action="append", default=[], help="a container runtime that is here; repeatable")
    parser.add_argument("--life", type=_life, default=0.0, help="how long it will be here, like 8h (default: no end)")
    parser.add_argument("--batch-id", default="", help="the batch system's id of this pilot")
    parser.add_argument("--dir", help="where jobs get their directories (default: the temporary directory)")
    parser.add_argument("--keep", action="store_true", help="leave the jobs' directories, for a look")
    parser.add_argument("--version", action="version", version=f"p3s-pilot {VERSION}, protocol {PROTOCOL_VERSION}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
