"""Processes whose parent ended before them: here they become the pilot's children (Linux: it is a "child subreaper").

So the pilot learns without a search, at the end of each payload, whether it left something behind in a session of
its own. What came this way is waited for here too; else it would stay a zombie until the pilot ends.
"""

import ctypes
import os

PROC = "/proc/self/task"
_PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """From now on. Without a kernel that can (before 3.4), orphans go to process 1 as ever, and are not seen."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except (OSError, AttributeError):
        pass


def children() -> "set[int]":
    """The numbers of this process's children, those that only wait to be reaped too; none when the kernel keeps no
    such list."""
    found: set[int] = set()
    for task in os.listdir(PROC):
        try:
            with open(f"{PROC}/{task}/children", "rb") as file:
                found.update(int(word) for word in file.read().split())
        except OSError:  # a thread that has just ended: its children are another's now
            continue
    return found


def bury(processes: "set[int]") -> "set[int]":
    """Reap those that have ended; who still lives."""
    return {process for process in processes if _lives(process)}


def _lives(process: int) -> bool:
    try:
        return os.waitpid(process, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return False
