"""`p3s dataset verify`: is a file still what was registered?"""

import errno
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from p3s.client import files
from p3s.client.sdk import Client
from p3s.protocol.catalogue import DatasetChange

from . import complete, show
from .options import Json

VERIFY_HELP = """Read files again and compare their size and adler32 with what was registered.

Exit code 0: all are as they were; 1: one is not, or is not there, or has nothing to compare with.

Example: p3s dataset verify run4610_1.root && tar cf backup.tar run4610_1.root

Files are read that this machine sees by their path; of those at root:// the server is asked. --record stores what was
not known yet.
"""


def verify(
    datasets: Annotated[
        list[str], typer.Argument(metavar="NAME|UUID|URL...", help="The datasets.", autocompletion=complete.datasets)
    ],
    record: Annotated[bool, typer.Option("--record", help="Store a size or checksum that was not known.")] = False,
    json: Json = False,
) -> None:
    client, found = Client(), []
    for which in datasets:
        row = files.by_its_name(which, client.find_dataset)
        good, says, seen = compared(row)
        if record and seen and not good and says.startswith("nothing to compare"):
            client.adjust_dataset(row["uuid"], DatasetChange(**seen, why="as read by p3s dataset verify"))
            good, says = True, f"recorded: {seen['size']} bytes, adler32 {seen['adler32']}"
        found.append({"dataset": row["uuid"], "name": row["name"], "good": good, "says": says})
        if not json:
            print(show.plain(f"{row['name']}: {says}"), flush=True)
    if json:
        show.as_json(found)
    if not all(one["good"] for one in found):
        raise typer.Exit(1)


def compared(row: Any) -> tuple[bool, str, dict[str, Any]]:
    """Whether it is as it was, in words, and what was read."""
    if row["kind"] == "set":
        return False, "a set; verify its files", {}
    try:
        size, checksum = _file(row["url"])
        if row["size"] is not None and row["size"] != size:
            return False, f"differs: it has {size} bytes, {row['size']} were registered", {}
        found = checksum()
    except OSError as error:
        return False, f"cannot read {row['url']}: {error.strerror}", {}
    seen = {"size": size, "adler32": found}
    if not row["adler32"]:
        return False, f"nothing to compare its checksum with; it is {found} now (--record stores it)", seen
    if row["adler32"] != found:
        return False, f"differs: its adler32 is {found}, {row['adler32']} was registered", {}
    return True, f"as registered: {size} bytes, adler32 {found}", seen


def _file(url: str) -> tuple[int, Callable[[], str]]:
    """The size of a file, and what gets its checksum. Raises OSError for one that cannot be read from here."""
    path = files.local_path(url)
    if path is not None:
        seen = path.stat()
        if not stat.S_ISREG(seen.st_mode):  # a pipe would be read for ever
            raise OSError(errno.EINVAL, "it is no regular file")
        return seen.st_size, lambda: _read(path)
    from p3s.watcher.places import whole
    from p3s.watcher.xrootd import XRootD

    found = whole(url)
    if found is None:
        raise OSError(errno.EOPNOTSUPP, "only paths and root:// are read from here")
    place, name = found
    server = XRootD(place.root, 0, place.host)
    there = server.look(name)
    if there is None:
        raise FileNotFoundError(errno.ENOENT, "it is not there")
    return there[1], lambda: server.adler32(name, lambda: None)


def _read(path: Path) -> str:
    with show.progress(f"reading {path.name}", path.stat().st_size) as advance:
        return files.adler32(path, lambda done: advance(done, ""))
