"""The process of a storage: what it finds, keeps to itself, reads, moves and deletes; and what its parent makes of one
that hangs."""

import errno
import os
import queue
import signal
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from p3s.watcher import local
from p3s.watcher.local import Local
from p3s.watcher.places import Place
from p3s.watcher.reader import Reader
from p3s.watcher.storage import Message, Storage
from p3s.watcher.xrootd import XRootD, _ended, parsed

Until = Callable[..., Any]


class Told:
    """A reader without its threads, and what it told."""

    def __init__(self, root: Path, depth: int = 0) -> None:
        self.messages: list[dict[str, Any]] = []
        self.reader = Reader(Local(str(root), depth), self.messages.append)

    def do(self, what: str, **about: Any) -> dict[str, Any]:
        self.messages.clear()
        self.reader.do("look", {"do": what, "id": 1, **about})
        return self.messages[-1]

    @property
    def names(self) -> list[str]:
        return sorted(entry[0] for one in self.messages if one["re"] == "found" for entry in one["files"])


def test_a_scan_tells_all_that_is_not_settled_and_what_is_gone(tmp_path: Path) -> None:
    for name in ("a", "b", ".hidden", "sub/c", "sub/deep/d"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    told = Told(tmp_path, depth=1)
    assert told.do("scan")["count"] == 3
    assert told.names == ["a", "b", "sub/c"]
    told.do("settle", names=["a", "sub/c"])
    (tmp_path / "a").unlink()
    assert told.do("scan")["gone"] == ["a"]
    assert told.names == ["b"]
    (tmp_path / "a").write_text("again")
    told.do("scan")
    assert told.names == ["a", "b"]


def test_a_look_tells_only_of_what_is_not_settled(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("1")
    told = Told(tmp_path)
    told.do("settle", names=["a"])
    assert told.do("look", names=["a", "b", "c"])["gone"] == ["c"]
    assert told.names == ["b"]


def test_links_to_directories_are_not_followed_and_pipes_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "in/sub").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/x").write_text("1")
    (tmp_path / "in/link").symlink_to(tmp_path / "out")
    (tmp_path / "in/file").symlink_to(tmp_path / "out/x")
    os.mkfifo(tmp_path / "in/pipe")
    told = Told(tmp_path / "in", depth=1)
    told.do("scan")
    assert told.names == ["file"]


def test_a_file_is_gone_though_something_that_is_no_file_is_there_instead(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    told = Told(tmp_path)
    told.do("settle", names=["a", "b"])
    (tmp_path / "a").unlink()
    (tmp_path / "link").symlink_to("nowhere")
    found = told.do("scan")
    assert (found["gone"], found["count"]) == (["a"], 1)


def test_names_that_are_not_utf_8_are_counted(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.dat")).write_text("1")
    told = Told(tmp_path)
    assert told.do("scan")["odd"] == 1
    assert told.names == []


def test_a_directory_that_may_not_be_read_is_told_and_its_files_are_not_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/a").write_text("1")
    told = Told(tmp_path, depth=1)
    told.do("scan")
    told.do("settle", names=["sub/a"])
    real = os.scandir

    def denied(path: str) -> Any:
        if path.rstrip("/").endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(local.os, "scandir", denied)
    found = told.do("scan")
    assert found["gone"] == []
    assert found["troubles"] == [f"{tmp_path}/sub/: Permission denied"]


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("1")
    monkeypatch.setattr(local.os, "access", lambda *_: False)
    told = Told(tmp_path)
    told.do("scan")
    [entry] = told.messages[0]["files"]
    assert entry[3] is False


def test_a_directory_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert Told(tmp_path / "none").do("scan")["error"] == "No such file or directory"
    (tmp_path / "file").touch()
    assert Told(tmp_path / "file").do("scan")["error"] == "Not a directory"


def test_files_are_read_and_summed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    told = Told(tmp_path)
    assert told.do("adler32", name="a")["adler32"] == f"{zlib.adler32(b'x' * 3_000_000):08x}"
    assert told.do("read", name="a")["error"] == "it is larger than 1,000,000 bytes"
    assert "error" in told.do("read", name="none")


# ---- after use


def facts(told: Told, name: str) -> list[int]:
    """Size and time of a file, as it is told."""
    entry = told.reader.source.look(name)
    return list(entry[1:3]) if entry else []


def moved(told: Told, name: str, to: Path) -> dict[str, Any]:
    """What is said when a file is moved as it is."""
    return told.do("move", name=name, to=str(to), seen=facts(told, name))


def test_a_file_is_moved_with_its_directories(tmp_path: Path) -> None:
    (tmp_path / "in/sub").mkdir(parents=True)
    (tmp_path / "in/sub/a").write_text("1")
    assert "error" not in moved(Told(tmp_path / "in", 1), "sub/a", tmp_path / "used")
    assert (tmp_path / "used/sub/a").read_text() == "1"
    assert not (tmp_path / "in/sub/a").exists()


@pytest.mark.parametrize("act", ["move", "delete"])
def test_a_file_that_was_written_to_since_it_was_told_stays(tmp_path: Path, act: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").write_text("1")
    told = Told(tmp_path / "in")
    seen = facts(told, "a")
    (tmp_path / "in/a").write_text("12")
    assert told.do(act, name="a", to=str(tmp_path / "used"), seen=seen)["error"].startswith("it has changed")
    (tmp_path / "in/a").unlink()
    assert told.do(act, name="a", to=str(tmp_path / "used"), seen=seen)["error"] == "it is not there"


def test_a_file_that_comes_after_one_of_its_name_was_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    told = Told(tmp_path)
    told.do("settle", names=["a"])
    told.do("delete", name="a", seen=facts(told, "a"))
    told.do("unsettle", names=["a"])
    (tmp_path / "a").write_text("2")
    told.do("scan")
    assert told.names == ["a"]


def test_what_is_not_there_is_looked_for_where_it_would_have_been_moved(tmp_path: Path) -> None:
    for name in ("in/a", "used/b"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("1")
    told = Told(tmp_path / "in")
    told.do("settle", names=["d"])
    found = told.do("there", names=["a", "b", "c", "d"], to=str(tmp_path / "used"))
    assert (found["gone"], found["moved"]) == (["b", "c"], ["b"])


def test_nothing_is_overwritten_by_a_move(tmp_path: Path) -> None:
    for directory, text in (("in", "new"), ("used", "old")):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "a").write_text(text)
    assert "is there already" in moved(Told(tmp_path / "in"), "a", tmp_path / "used")["error"]
    assert ((tmp_path / "in/a").read_text(), (tmp_path / "used/a").read_text()) == ("new", "old")


def test_a_move_that_was_killed_half_way_is_ended_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "used").mkdir()
    (tmp_path / "in/a").write_text("1")
    (tmp_path / "used/a").hardlink_to(tmp_path / "in/a")
    assert "error" not in moved(Told(tmp_path / "in"), "a", tmp_path / "used")
    assert [path.name for path in tmp_path.rglob("a")] == ["a"]


def no_link(number: int) -> Callable[..., None]:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


def test_without_hard_links_a_move_is_a_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local.os, "link", no_link(errno.EPERM))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").write_text("1")
    told = Told(tmp_path / "in")
    assert "error" not in moved(told, "a", tmp_path / "used")
    (tmp_path / "in/a").write_text("2")
    assert "is there already" in moved(told, "a", tmp_path / "used")["error"]


def test_a_move_to_another_file_system_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local.os, "link", no_link(errno.EXDEV))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").write_text("1")
    said = moved(Told(tmp_path / "in"), "a", tmp_path / "used")["error"]
    assert said == "input_after names a directory of another file system, or mount"
    assert (tmp_path / "in/a").exists()


@pytest.mark.parametrize("act", ["move", "delete"])
def test_no_link_on_the_way_leads_out_of_the_storage(tmp_path: Path, act: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").write_text("1")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/sub").symlink_to(tmp_path / "out")
    about = {"to": str(tmp_path / "used")} if act == "move" else {}
    told = Told(tmp_path / "in", 1)
    assert "error" in told.do(act, name="sub/a", seen=facts(told, "sub/a"), **about)
    assert (tmp_path / "out/a").exists()


# ---- the process


@pytest.fixture(params=[0])
def storage(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Storage, "queue.SimpleQueue[Message]"]]:
    """The process of a storage; the parameter is how deep it reads."""
    posted: queue.SimpleQueue[Message] = queue.SimpleQueue()
    one = Storage(Place(str(tmp_path)), request.param, lambda _, message: posted.put(message), silent_s=1.0)
    one.start()
    yield one, posted
    one.give_up()
    one.wait(10)


def reply(posted: "queue.SimpleQueue[Message]", what: str) -> Message:
    while True:
        message = posted.get(timeout=20)
        if message["re"] == what:
            return message


def test_a_change_is_told_by_itself(storage: tuple[Storage, Any], tmp_path: Path) -> None:
    _, posted = storage
    reply(posted, "watching")
    (tmp_path / ".x").write_text("1")
    (tmp_path / ".x").rename(tmp_path / "x")
    assert reply(posted, "found")["files"][0][0] == "x"
    (tmp_path / "x").unlink()
    while not (gone := reply(posted, "look")["gone"]):
        pass
    assert gone == ["x"]


def found_until(posted: "queue.SimpleQueue[Message]", last: str) -> list[str]:
    """All names that are told, up to one."""
    names: list[str] = []
    while last not in names:
        names += [entry[0] for entry in reply(posted, "found")["files"]]
    return names


@pytest.mark.parametrize("storage", [1], indirect=True)
def test_changes_are_told_of_new_directories_and_not_through_links(
    storage: tuple[Storage, Any], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A link to today's directory is common: its files must not be found twice."""
    _, posted = storage
    reply(posted, "watching")
    (tmp_path / "monday").mkdir()
    (tmp_path / "today").symlink_to("monday")
    outside = tmp_path_factory.mktemp("outside")
    (tmp_path / "elsewhere").symlink_to(outside)
    reply(posted, "watching")
    for directory in (outside, tmp_path / "monday"):
        (directory / "x").write_text("1")
    assert set(found_until(posted, "monday/x")) == {"monday/x"}
    (tmp_path / "monday/y").write_text("1")
    assert set(found_until(posted, "monday/y")) <= {"monday/x", "monday/y"}


def test_a_directory_that_takes_the_place_of_another_is_watched(storage: tuple[Storage, Any], tmp_path: Path) -> None:
    _, posted = storage
    reply(posted, "watching")
    tmp_path.rename(tmp_path.with_name("old"))
    tmp_path.mkdir()
    reply(posted, "watching")
    (tmp_path / "x").write_text("1")
    assert found_until(posted, "x") == ["x"]


def test_a_process_that_hangs_is_silent_until_it_is_given_up(storage: tuple[Storage, Any], until: Until) -> None:
    one, posted = storage
    reply(posted, "open")
    assert one.process is not None
    os.kill(one.process.pid, signal.SIGSTOP)
    one.ask("scan")
    assert one.silent_since() is None
    until("it is silent", one.silent_since)
    one.give_up()
    until("it is gone", lambda: not one.alive)
    assert one.silent_since() is None


def test_a_process_that_dies_says_so(storage: tuple[Storage, Any]) -> None:
    one, posted = storage
    reply(posted, "open")
    assert one.process is not None
    os.kill(one.process.pid, signal.SIGKILL)
    assert "ended" in reply(posted, "ended")["error"]


def test_the_listings_of_both_versions_of_xrdfs_are_read() -> None:
    new = "-rw-r--r-- xrootd root    6 2018-08-23 21:03:34 /in/with blank.root\n"
    new += "drwxr-xr-x a b 4096 2018-08-23 21:03:34 /in/sub"
    old = "-r-- 2018-08-23 21:03:34          6 /in/x.root\ndr-x 2018-08-23 21:03:34   4096 /in/sub"
    moment = 1535058214 * 10**9
    assert next(parsed(new)) == (("with blank.root", 6, moment, True), False)
    assert next(parsed(old)) == (("x.root", 6, moment, True), False)
    assert [directory for _, directory in (*parsed(new), *parsed(old))] == [False, True, False, True]


class Server(XRootD):
    """An XRootD server that says what it is told to, for each `xrdfs` command."""

    def __init__(self, *said: str) -> None:
        super().__init__("/in", 0, "host")
        self.said, self.asked = list(said), list[tuple[str, ...]]()

    def _ask(self, *words: str, **_: Any) -> str:
        self.asked.append(words)
        return self.said.pop(0)


def listed(*names: str) -> str:
    return "".join(f"-rw-r--r-- a b 6 2018-08-23 21:03:34 /in/{name}\n" for name in names)


def test_a_name_that_is_not_utf_8_keeps_no_other_of_an_xrootd_server() -> None:
    odd = os.fsdecode(b"x\xff.root")
    server = Server(listed("x1.root", odd, "x2.root"))
    assert [entry[0] for entry in server.walk(lambda _: False) if entry] == ["x1.root", "x2.root"]
    assert server.odd == 1


def test_a_line_of_a_listing_that_is_not_understood_is_trouble() -> None:
    server = Server(listed("x1.root") + "what is this?\n")
    assert len(list(server.walk(lambda _: False))) == 1
    assert server.troubles == ["/in: its listing says 'what is this?'"]


def test_many_files_of_an_xrootd_server_are_looked_at_by_one_call() -> None:
    names = [f"x{n}.root" for n in range(5)]
    server = Server(listed(*names[:4]))
    found = dict(server.looks(names))
    assert [name for name in names if found[name] is None] == ["x4.root"]
    assert server.asked == [("ls", "-l", "/in")]


def test_while_a_server_makes_a_checksum_the_storage_is_not_silent() -> None:
    signs: list[int] = []
    with subprocess.Popen(["sleep", "100"], stdout=subprocess.PIPE) as slow:

        def still() -> None:
            signs.append(1)
            if len(signs) == 1:
                slow.kill()

        _ended(slow, 60.0, still)
    assert signs
