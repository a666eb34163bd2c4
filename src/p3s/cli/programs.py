"""What of a payload's program is not as it should be here, and may be a mistake: pilots may run where it is right."""

import os
import shlex

from p3s.client.files import is_file, is_there


def program_of(payload: str) -> str:
    """Its first word, '' where it has none."""
    try:
        return shlex.split(payload)[0]
    except (ValueError, IndexError):
        return ""


def doubt_of(payload: str) -> str:
    """Of a program that is a path, that it is not here, or cannot be run; '' where nothing is wrong."""
    program = program_of(payload)
    if not program.startswith(("/", "./")):
        return ""
    if not is_there(program):
        return not_here(program)
    if is_file(program) and not os.access(program, os.X_OK):
        return f"{program} is not executable: chmod +x {shlex.quote(program)}"
    return ""


def not_here(path: str) -> str:
    return f"{path} is not on this machine; where the pilot runs, it must be"
