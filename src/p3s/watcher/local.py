"""Files of a directory of this machine. Runs in the storage's own process, where it may hang.

Symbolic links to directories are not followed. What moves or deletes reaches a file through its directories one by one,
so that no link on the way leads out of the storage.
"""

import errno
import os
import stat
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

Entry = tuple[str, int, int, bool]
"""Name below the root, size, time of the last change in ns by the clock of the file system, whether it may be read."""

CHUNK = 1 << 20


class Local:
    """A directory `root` and `depth` levels of directories below it."""

    def __init__(self, root: str, depth: int) -> None:
        self.root, self.depth = root, depth
        self.troubles: list[str] = []
        """What could not be read in the last walk."""
        self.odd = 0
        """Names of the last walk that are not UTF-8: no file can be registered under such a name."""

    def identity(self) -> str:
        """Changes when something else is mounted there. Raises OSError when the directory is not there."""
        facts = Path(self.root).stat()
        if not stat.S_ISDIR(facts.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), self.root)
        return f"{facts.st_dev}:{facts.st_ino}"

    def walk(self, known: Callable[[str], bool]) -> Iterator[Entry | None]:
        """All files, as they are read; None for one that is `known` already. Nothing is kept, so it costs no memory."""
        self.troubles, self.odd = [], 0
        yield from self._walk("", self.depth, known)

    def _walk(self, below: str, depth: int, known: Callable[[str], bool]) -> Iterator[Entry | None]:
        directories = []
        try:
            with os.scandir(f"{self.root}/{below}") as entries:
                for entry in entries:
                    name = below + entry.name
                    if entry.name.startswith("."):
                        continue
                    if known(name):
                        yield None
                    elif not utf8(name):
                        self.odd += 1
                    elif entry.is_dir(follow_symlinks=False):
                        directories.append(f"{name}/")
                    elif (found := self.look(name)) is not None:
                        yield found
        except OSError as error:
            if not below:
                raise
            if not isinstance(error, FileNotFoundError):  # one that went meanwhile
                self.troubles.append(f"{self.root}/{below}: {error.strerror}")
        if depth:
            for directory in directories:
                yield from self._walk(directory, depth - 1, known)

    def looks(self, names: Sequence[str]) -> Iterator[tuple[str, Entry | None]]:
        """Files as they are now, each as `look` has it."""
        for name in names:
            yield name, self.look(name)

    def look(self, name: str) -> Entry | None:
        """A file as it is now; None when there is no such regular file."""
        path = f"{self.root}/{name}"
        try:
            facts = os.stat(path)  # noqa: PTH116 - a million times
        except OSError:
            return None
        if not stat.S_ISREG(facts.st_mode):
            return None
        return name, facts.st_size, facts.st_mtime_ns, os.access(path, os.R_OK)

    @staticmethod
    def there(name: str, directory: str) -> bool:
        """Whether a file of this name is below a directory."""
        return os.path.lexists(f"{directory}/{name}")

    def read(self, name: str, most: int) -> bytes:
        """The beginning of a file."""
        with open(f"{self.root}/{name}", "rb") as file:
            return file.read(most)

    def adler32(self, name: str, still: Callable[[], None]) -> str:
        """Its checksum. `still` is called as it goes on."""
        value = 1
        with open(f"{self.root}/{name}", "rb") as file:
            while chunk := file.read(CHUNK):
                value = zlib.adler32(chunk, value)
                still()
        return f"{value:08x}"

    def move(self, name: str, to: str) -> None:
        """Below the directory `to` of the same file system, whole or not at all; nothing is overwritten."""
        below, _, base = name.rpartition("/")
        Path(to).mkdir(parents=True, exist_ok=True)
        source, target = _opened(self.root, below), -1
        try:
            target = _opened(to, below, make=True)
            _relink(source, target, base)
        finally:
            for descriptor in (source, target):
                if descriptor >= 0:
                    os.close(descriptor)

    def delete(self, name: str) -> None:
        """Take a file away; a link's target stays."""
        below, _, base = name.rpartition("/")
        directory = _opened(self.root, below)
        try:
            os.unlink(base, dir_fd=directory)
        finally:
            os.close(directory)

    def changes(self, tell: Callable[[list[str]], None], ready: Callable[[], None]) -> None:
        """Tell names that the system says were touched, for ever. Raises OSError where it cannot.

        Each directory is watched for itself: told to watch all below one, the system would follow links to
        directories, and find files twice or another file system. When a directory comes, or another takes the place of
        the root, all are watched anew, and `ready` is called again: what came in between was not told.
        """
        while True:
            try:
                self._follow(tell, ready)
            except FileNotFoundError:  # a directory went while it was listed; the root must be there
                self.identity()

    def _follow(self, tell: Callable[[list[str]], None], ready: Callable[[], None]) -> None:
        """Until other directories are to be watched."""
        from watchfiles import watch

        root, told_ready = self.identity(), False
        for found in watch(
            *self._directories(),
            watch_filter=None,
            debounce=50,
            step=10,
            rust_timeout=1_000,
            yield_on_timeout=True,
            recursive=False,
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            if not told_ready:
                told_ready = True
                ready()
            names = {path[len(self.root.rstrip("/")) + 1 :] for _, path in found}
            wanted = [name for name in names if self._may_be_file(name)]
            if wanted:
                tell(wanted)
            if any(self._is_directory(name) for name in wanted) or self.identity() != root:
                return

    def _directories(self) -> list[str]:
        """The root and what is to be read below it."""
        found = level = [self.root]
        for _ in range(self.depth):
            level = [below for directory in level for below in _below(directory)]
            found = found + level
        return found

    def _is_directory(self, name: str) -> bool:
        path = Path(self.root, name)
        return name.count("/") < self.depth and path.is_dir() and not path.is_symlink()

    def _may_be_file(self, name: str) -> bool:
        parts = name.split("/")
        return bool(name) and len(parts) <= self.depth + 1 and not any(part.startswith(".") for part in parts)


def _below(directory: str) -> list[str]:
    """Directories in one; none of one that may not be read or is gone."""
    with suppress(OSError), os.scandir(directory) as entries:
        return [
            entry.path
            for entry in entries
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False) and utf8(entry.name)
        ]
    return []


def utf8(name: str) -> bool:
    """Whether a name can be told: file systems take any bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _opened(root: str, below: str, make: bool = False) -> int:
    """A descriptor of a directory below `root`, reached without following a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY
    descriptor = os.open(root, flags)
    for part in filter(None, below.split("/")):
        try:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
            step = os.open(part, flags | os.O_NOFOLLOW, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = step
    return descriptor


def _relink(source: int, target: int, base: str) -> None:
    """Both names at once, then one: killed in between, the file is there under both, and the next move ends it."""
    try:
        os.link(base, base, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        if not _same(source, target, base):
            raise FileExistsError(errno.EEXIST, "a file of this name is there already", base) from None
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise OSError(errno.EXDEV, "input_after names a directory of another file system, or mount") from None
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        _rename(source, target, base)  # a file system without hard links
        return
    os.unlink(base, dir_fd=source)


def _rename(source: int, target: int, base: str) -> None:
    with suppress(FileNotFoundError):
        os.stat(base, dir_fd=target, follow_symlinks=False)
        raise FileExistsError(errno.EEXIST, "a file of this name is there already", base)
    os.rename(base, base, src_dir_fd=source, dst_dir_fd=target)


def _same(source: int, target: int, base: str) -> bool:
    one = os.stat(base, dir_fd=source, follow_symlinks=False)
    other = os.stat(base, dir_fd=target, follow_symlinks=False)
    return os.path.samestat(one, other)
