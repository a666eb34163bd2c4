"""`p3s payload ...`: a payload to begin with, and what payloads find on their path."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Annotated

import typer

from p3s.protocol.errors import BadInput

app = typer.Typer(no_args_is_help=True, help="Write payloads.")

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")

WRAPPER = '''\
#!/usr/bin/env python3
"""@NAME@: what it does, in one line.

p3s runs it for every new file, in an empty directory of its own. The file is at $P3S_INPUT_PATH, its run at $P3S_RUN;
what is to be seen goes to $P3S_RESULT_DIR.
"""

import os
import subprocess  # noqa: F401 - most payloads call the experiment's own program: subprocess.run([...], check=True)
from pathlib import Path

from p3s_result import Result

source = Path(os.environ["P3S_INPUT_PATH"])
values = [float(line) for line in source.read_text().split()]
print(f"{source.name}: {len(values)} values")  # stdout and stderr are kept: p3s job logs UUID

# A picture: any PNG, JPEG or SVG in the result directory. Here 20 bins from 0 to 100.
bins = [sum(1 for value in values if 5 * i <= value < 5 * i + 5) for i in range(20)]
tallest = max(bins) or 1
tops = [200 - 190 * count / tallest for count in bins]
bars = "".join(f'<rect x="{20 * i}" y="{top:.0f}" width="19" height="200"/>' for i, top in enumerate(tops))
picture = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 200" fill="#2a6f97">{bars}</svg>'
Path(os.environ["P3S_RESULT_DIR"], "values.svg").write_text(picture)

with Result("@NAME@") as result:
    result.images("values", "values.svg")
    result.number("entries", len(values), good=(100, None))  # fewer are a warning
    result.number("mean", sum(values) / len(values) if values else None, good=(40, 60), warn=(20, 80))
'''

STREAM = """\
streams:
  @NAME@:
    files: "data/run{run:d}_{subrun:d}.txt"   # beside this file; {run:d} is a number, and the run's
    payload: ./@NAME@.py
"""


@app.command("new")
def new(name: Annotated[str, typer.Argument(help="Of the payload, its directory and its stream.")]) -> None:
    """Write a payload to begin with: a wrapper, its stream file and a sample input. Example: p3s payload new femb"""
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name[:60]!r} is not a name for a payload: use a letter, then letters, digits, - or _")
    directory = Path(name)
    _make(directory)
    wrapper = directory / f"{name}.py"
    wrapper.write_text(WRAPPER.replace("@NAME@", name))
    wrapper.chmod(0o755)
    (directory / "streams.yaml").write_text(STREAM.replace("@NAME@", name))
    sample = directory / "data" / "run1_1.txt"
    sample.parent.mkdir()
    sample.write_text("".join(f"{(37 * number) % 101}\n" for number in range(500)))
    print(f"wrote {directory}/: {wrapper.name}, streams.yaml, data/{sample.name}")
    print("next:")
    for words, why in (
        (f"p3s job test {directory / 'streams.yaml'} -f {sample}", "run it here, and see its results"),
        (f"$EDITOR {wrapper}", "make it yours"),
        (f"p3s watcher start {directory / 'streams.yaml'}", f"run it for every file that comes to {directory}/data"),
    ):
        print(f"  {words}\n      {why}")


def _make(directory: Path) -> None:
    try:
        directory.mkdir()
    except FileExistsError:
        raise BadInput(f"{directory}/ is there already; name another, or remove it first") from None
    except OSError as error:
        raise BadInput(f"cannot make {directory}/: {error.strerror}") from None


@app.command("tools")
def tools(directory: Annotated[Path, typer.Argument(help="They come into tools/ there.")] = Path()) -> None:
    """Write what payloads find on their path: p3s-publish and the like. Example: p3s payload tools /shared/p3s"""
    from p3s.pilot.agent import unpack_tools

    there = directory / "tools"
    if there.exists():
        raise BadInput(f"{there} is there already; name another directory, or remove it first")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        print(unpack_tools(directory))
    except OSError as error:
        shutil.rmtree(there, ignore_errors=True)
        raise BadInput(f"cannot write {shlex.quote(str(there))}: {error.strerror}") from None
