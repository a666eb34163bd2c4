"""What of a payload's program is not as it should be here, and may be a mistake: pilots may run where it is right."""

import os
import shlex
import shutil
from pathlib import Path

from p3s.client.files import is_file, is_there


def program_of(payload: str) -> str:
    """Its first word, '' where it has none."""
    try:
        return shlex.split(payload)[0]
    except (ValueError, IndexError):
        return ""


def doubt_of(payload: str, beside: Path = Path()) -> str:
    """Of a program that is a path, that it is not here, or cannot be run; of one that is none, that a file of its name
    is meant, in the directory `beside`. '' where nothing is wrong."""
    program = program_of(payload)
    if program and "/" not in program and is_file(str(beside / program)) and shutil.which(program) is None:
        return f"{program} is looked for on the pilot's PATH; the file here is ./{program}"
    if not program.startswith(("/", "./")):
        return ""
    if not is_there(program):
        return not_here(program)
    if is_file(program) and not os.access(program, os.X_OK):
        return f"{program} is not executable: chmod +x {shlex.quote(program)}"
    return ""


def unknown(payload: str) -> str:
    """Of a program that is no path, that none of its name is here; '' where one is, or a pilot brings it."""
    program = program_of(payload)
    if not program or "/" in program or program.startswith("p3s-") or shutil.which(program) is not None:
        return ""
    return f"{program} is no program of this machine's PATH; the pilot's must have it"


def not_here(path: str) -> str:
    return f"{path} is not on this machine; where the pilot runs, it must be"
