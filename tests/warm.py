"""Commands of `p3s` in processes of their own, forked from one that has the program imported already.

To start Python and import everything takes half a second of CPU, and tests run hundreds of commands.
"""

import atexit
import functools
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

P3S = str(Path(sys.executable).with_name("p3s"))

LONGEST_LINE = 2**20


class Warm:
    """The process to fork from. One command at a time."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        words = [sys.executable, __file__, str(theirs.fileno())]
        self.process = subprocess.Popen(words, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        self.channel, self.lines = ours, ours.makefile("r")
        atexit.register(self.close)

    def run(
        self, words: Sequence[str], env: Mapping[str, str], cwd: Path, timeout: float
    ) -> "subprocess.CompletedProcess[str]":
        """As `subprocess.run` of `p3s` with these words would, its output captured and nothing on its stdin."""
        with tempfile.TemporaryDirectory() as directory:
            out, err = Path(directory, "out"), Path(directory, "err")
            order = {"words": list(words), "env": dict(env), "cwd": str(cwd), "out": str(out), "err": str(err)}
            self.channel.sendall(json.dumps(order).encode() + b"\n")
            pid = json.loads(self.lines.readline())
            if not select.select([self.channel], [], [], timeout)[0]:
                os.kill(pid, 9)
                self.lines.readline()
                raise subprocess.TimeoutExpired([P3S, *words], timeout, out.read_text(), err.read_text())
            code = json.loads(self.lines.readline())
            return subprocess.CompletedProcess([P3S, *words], code, out.read_text(), err.read_text())

    def close(self) -> None:
        self.lines.close()
        self.channel.close()
        self.process.wait(10)


@functools.cache
def warm() -> Warm:
    """The one of this test process."""
    return Warm()


def serve(channel: socket.socket) -> None:
    """Fork for every order; say the pid, then the exit code. Ends when nobody is there any more."""
    orders = channel.makefile("rb")
    for line in orders:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            channel.close()
            become(order)
        channel.sendall(f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        channel.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def become(order: dict[str, Any]) -> None:
    """Run the command in this process, and end."""
    for number, path in ((1, order["out"]), (2, order["err"])):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
        os.close(handle)
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    sys.argv = [P3S, *order["words"]]
    code = 1
    try:
        main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    import yaml  # noqa: F401

    from p3s.cli.main import main
    from p3s.cli.words import Commands

    dict(Commands())  # imports them all

    serve(socket.socket(fileno=int(sys.argv[1])))
