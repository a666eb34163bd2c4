"""Starting a process in a session of its own.

By `posix_spawn`, which costs half of what `subprocess` does; a Python built against a C library too old to open a
session there falls back on `subprocess`.
"""

import errno
import os
import signal
import subprocess
from pathlib import Path

_HOME = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
"""Where the pilot was started. A child takes over its parent's directory, so the pilot goes there and comes back."""

_NULL = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

_TO_DEFAULT = [signal.SIGPIPE, signal.SIGXFSZ]
"""Python ignores these; what it starts should not."""


def keep_to_ourselves() -> None:
    """Let no child inherit what this process inherited beyond the three standard streams."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.set_inheritable(int(name), False)
            except OSError:  # the one by which the directory was read
                pass


def spawn(words: "list[str]", environment: "dict[str, str]", work: str, stdout: int, stderr: int) -> int:
    """The process id of `words` running in the directory `work`. Raises OSError as `exec` does, or ValueError."""
    try:
        return _spawn(words, environment, work, stdout, stderr)
    except NotImplementedError:
        process = subprocess.Popen(
            words,
            cwd=work,
            env=environment,
            stdin=_NULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        process.returncode = 0  # it is waited for by its number, not by this object
        return process.pid


def _spawn(words: "list[str]", environment: "dict[str, str]", work: str, stdout: int, stderr: int) -> int:
    os.chdir(work)
    try:
        return os.posix_spawn(
            _found(words[0], environment.get("PATH", os.defpath)),
            words,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, _NULL, 0),
                (os.POSIX_SPAWN_DUP2, stdout, 1),
                (os.POSIX_SPAWN_DUP2, stderr, 2),
            ],
            setsid=True,
            setsigdef=_TO_DEFAULT,
        )
    finally:
        os.fchdir(_HOME)


def _found(program: str, path: str) -> str:
    """Where a program named without a slash lies, by the child's own PATH. Raises OSError."""
    if "/" in program:
        return program
    there = False
    for directory in path.split(os.pathsep):
        candidate = Path(directory, program)
        if candidate.is_file():
            there = True
            if os.access(candidate, os.X_OK):
                return str(candidate)
    number = errno.EACCES if there else errno.ENOENT
    raise OSError(number, os.strerror(number), program)
