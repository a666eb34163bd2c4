"""Where files lie: a directory of this machine or of an XRootD server, and the pattern of names below it."""

import re
from dataclasses import dataclass
from pathlib import Path

from p3s.client.document import Field
from p3s.protocol.patterns import Pattern, PatternError, parse

LIKE = '"/data/raw/run{run:d}_{subrun:d}.root"'

_XROOTD = re.compile(r"x?root://([^/\s]+)/(/.*)")


@dataclass(frozen=True)
class Place:
    """`root` is an absolute path; at `host` (HOST or HOST:PORT) of an XRootD server, unless that is empty."""

    root: str
    host: str = ""

    def __str__(self) -> str:
        return f"root://{self.host}/{self.root}" if self.host else self.root

    def url(self, name: str) -> str:
        """How the server knows the file `name` of this place."""
        return f"{self}/{name}" if self.root != "/" else f"{self}{name}"

    def name_of(self, url: str) -> str | None:
        """The file's name relative to this place; None for one that lies elsewhere."""
        url = "root" + url[5:] if url.startswith("xroot://") else url.removeprefix("file://")
        start = str(self).rstrip("/") + "/"
        return url[len(start) :] if url.startswith(start) and len(url) > len(start) else None


def whole(url: str) -> tuple[Place, str] | None:
    """The directory of a file on an XRootD server, and the file's name in it; None for what is no such URL."""
    found = _XROOTD.fullmatch(url)
    if found is None or found[2].endswith("/"):
        return None
    directory, _, name = found[2].rpartition("/")
    return Place("/" + directory.strip("/"), found[1]), name


def split(field: Field) -> tuple[Place, Pattern]:
    """The directory is all before the first field or star; the pattern is the name below it."""
    text = field.text(f"is required, like {LIKE}")
    fixed = re.split(r"[{*]", text, maxsplit=1)[0]
    if fixed.rpartition("/")[2] == "" and fixed == text:
        raise field.wrong(f"names a directory; say which files in it, like {LIKE}")
    head = fixed.rpartition("/")[0]
    name = text[len(head) + 1 :] if "/" in fixed else text
    try:
        pattern = parse(name)
    except PatternError as error:
        raise field.wrong(str(error)) from None
    if "://" in text:
        return _of_url(field, head), pattern
    if text.startswith("~"):
        raise field.wrong("begins with ~; write the whole path")
    return Place(str((field.file.parent / (head or ("/" if fixed.startswith("/") else "."))).resolve())), pattern


def _of_url(field: Field, head: str) -> Place:
    found = _XROOTD.fullmatch(head)
    if not found:
        scheme = field.value.partition("://")[0]
        if scheme in ("root", "xroot"):
            raise field.wrong("must be like root://HOST//directory/run{run:d}.root, with two slashes behind the host")
        raise field.wrong(f"{scheme}:// is not watched; a path of this machine is, or root://HOST//directory/...")
    return Place("/" + found[2].strip("/"), found[1])


def beside(field: Field, place: Place, text: str) -> str:
    """A directory `text` of the same storage: absolute, or relative to the watched one. Raises BadInput."""
    if "://" in text:
        found = _XROOTD.fullmatch(text)
        if not found or found[1] != place.host:
            raise field.wrong(f"{text} is another storage; files are moved within {place.host or 'this machine'} alone")
        text = found[2]
    parts: list[str] = []
    for part in (text if text.startswith("/") else f"{place.root}/{text}").split("/"):
        if part == "..":
            if not parts:
                raise field.wrong(f"{text} leads above /")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    target = "/" + "/".join(parts)
    if target == place.root:
        raise field.wrong("is the watched directory itself; files are there already")
    return target if place.host else str(Path(target))
