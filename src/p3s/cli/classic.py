"""`p3s classic ...`: for those who come from the p3s of 2018."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

import p3s.pilot
from p3s.client.place import find
from p3s.protocol.errors import BadInput

from . import show
from .old_options import NoCounterpart
from .translation import CLIENTS, translate

app = typer.Typer(no_args_is_help=True, help="The command lines of the p3s of 2018.")

MARK = "Stand-in for the client of 2018 of this name"

STAND_IN = """\
#!/bin/sh
''':'
# @MARK@: translates its options for the command p3s.
p3s=@P3S@
[ -x "$p3s" ] || p3s=p3s
exec "$p3s" classic run "$(basename -- "$0")" "$@"
'''
import os, sys  # called as: python3 job.py

os.execv("/bin/sh", ["sh", os.path.realpath(__file__)] + sys.argv[1:])
"""


ASKING = ("service.py", "summary.py")
"""Of those that payloads call, what people and cron call too: outside of a job p3s says whom they ask."""

ASKING_TOO = """\
#!/bin/sh
''':'
# @MARK@, within jobs and outside of them.
p3s=@P3S@
self=$(readlink -f -- "$0" 2>/dev/null) || self=$0
if [ -z "${P3S_JOB_UUID:-}" ] && [ -x "$p3s" ]; then
    exec "$p3s" classic run "$(basename -- "$0")" "$@"
fi
unset LD_LIBRARY_PATH
exec "${P3S_PYTHON:-python3}" -I "$(dirname -- "$self")/p3s_classic.py" "$(basename -- "$self")" "$@"
'''
import os, sys  # called as: python3 summary.py

os.execv("/bin/sh", ["sh", os.path.realpath(__file__)] + sys.argv[1:])
"""

PROGRAM = Path(p3s.pilot.__file__).parent / "payload" / "p3s_classic.py"


@app.command("install")
def install(directory: Annotated[Path, typer.Argument(help="Made if it is not there.")]) -> None:
    """Write stand-ins for the client scripts of 2018 into a directory: your command lines go on working.

    Example: p3s classic install ~/p3s/clients

    Those that payloads call (monrun.py, evdisp.py, purity.py, service.py, summary.py) need no p3s where they run; every
    pilot offers them as $P3S_HOME/clients already.
    """
    from p3s.pilot.agent import CLASSIC_CLIENTS, unpack_clients

    names = (*CLIENTS, *CLASSIC_CLIENTS, "p3s_classic.py")
    foreign = [name for name in names if _is_foreign(directory / name)]
    if foreign:
        raise BadInput(f"{directory} has files that are not stand-ins: {', '.join(foreign)}; name an empty directory")
    program = shutil.which("p3s") or str(Path(sys.executable).with_name("p3s"))
    text, asking = (
        template.replace("@MARK@", MARK).replace("@P3S@", shlex.quote(program)) for template in (STAND_IN, ASKING_TOO)
    )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name in CLIENTS:
            (directory / name).write_text(text)
            (directory / name).chmod(0o755)
        unpack_clients(directory)
        for name in ASKING:
            (directory / name).write_text(asking)
    except OSError as error:
        raise BadInput(f"cannot write {directory}: {error.strerror}") from None
    print(f"{len(names) - 1} stand-ins are in {directory}: {', '.join(sorted(names[:-1]))}")
    print(f"they call {program}; -t before anything says what a command line is now: {directory / 'job.py'} -t -j FILE")


def _is_foreign(path: Path) -> bool:
    """Whether there is something that we did not write."""
    try:
        start = path.read_text(errors="replace")[:400]
        return MARK not in start and not (path.name == "p3s_classic.py" and "clients of 2018" in start)
    except FileNotFoundError:
        return False
    except OSError:
        return True


@app.command("run", hidden=True, context_settings={"ignore_unknown_options": True, "help_option_names": []})
def run(
    client: Annotated[str, typer.Argument(help="Like job.py.")],
    words: Annotated[list[str] | None, typer.Argument(help="Its options.")] = None,
) -> None:
    """Do what a client of 2018 did. Example: p3s classic run job.py -j monitor.json -N 3"""
    if client in ASKING:
        _ask(client, words or [])
    try:
        now = translate(client, words or [], os.environ)
    except NoCounterpart as error:
        show.note(f"{client}: {error}")
        raise typer.Exit(2) from None
    for note in now.notes:
        show.note(f"{client}: {note}")
    if now.test or not now.commands:
        for command in now.commands:
            print(shlex.join(["p3s", *command]))
        return
    *first, last = [[sys.executable, "-m", "p3s", *command] for command in now.commands]
    environment = {**os.environ, **now.env}
    for words_of_one in first:
        done = subprocess.run(words_of_one, env=environment, check=False)
        if done.returncode:
            raise typer.Exit(done.returncode if done.returncode > 0 else 128 - done.returncode)
    os.execve(sys.executable, last, environment)  # in our place: signals reach what runs


def _ask(client: str, words: list[str]) -> NoReturn:
    """In our place, told of the server and the token that p3s would take; a server that is named gets no other's."""
    environment = dict(os.environ)
    if not any(word.startswith(("-S", "--server")) for word in words):
        place = find()
        environment |= {"P3S_SERVER": place.server, "P3S_TOKEN": place.token}
    os.execve(sys.executable, [sys.executable, "-I", str(PROGRAM), client, *words], environment)
