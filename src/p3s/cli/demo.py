"""`p3s demo`"""

import json as json_module
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from p3s.protocol.errors import P3sError


def demo(
    data: Annotated[Path | None, typer.Option(help="Take this directory's ROOT files as the arriving data.")] = None,
    exit: Annotated[bool, typer.Option("--exit", help="End once two runs have their results on display.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --exit: a last line of numbers for programs.")] = False,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Keep everything here (default: nothing kept).")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 0,
) -> None:
    """Show it all on this machine: server, two pilots, a watcher, a simulated detector, live plots in the browser.

    Examples: p3s demo | p3s demo --data /my/root/files | p3s demo --exit --json
    """
    _need_root_libraries()
    from p3s.demo.parts import PartFailed
    from p3s.demo.show import Plan, show

    place = directory or Path(tempfile.mkdtemp(prefix="p3s-demo-"))
    place.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal ends it like Ctrl-C
        signal.signal(number, _interrupt)
    out = sys.stderr if json else sys.stdout
    plan = Plan(place, data, exit, port, say=lambda text: print(text, file=out, flush=True))
    try:
        numbers = show(plan)
    except KeyboardInterrupt:
        print("ended", file=out)
        return
    except PartFailed as error:
        raise P3sError(str(error)) from None
    finally:
        if directory is None:
            shutil.rmtree(place, ignore_errors=True)
    _finish(numbers, json)


def _interrupt(number: int, frame: Any) -> None:  # noqa: ARG001
    raise KeyboardInterrupt


def _finish(numbers: dict[str, Any], json: bool) -> None:
    if json:
        print(json_module.dumps(numbers))
    unfinished = {state: count for state, count in numbers["jobs"].items() if state != "finished"}
    if unfinished or not numbers["results"]:
        words = ", ".join(f"{count} {state}" for state, count in unfinished.items()) or "no results"
        raise P3sError(f"not everything went well: {words}; --dir DIR keeps what there is for a look")


def _need_root_libraries() -> None:
    try:
        import matplotlib  # noqa: F401
        import uproot  # noqa: F401
    except ImportError:
        raise P3sError("the demo needs ROOT libraries: install p3s with its extra, p3s[demo]") from None
