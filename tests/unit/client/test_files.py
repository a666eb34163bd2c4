"""Files as people name them."""

from pathlib import Path

import pytest

from p3s.client.files import address, by_its_name, named
from p3s.protocol.errors import NotKnown


@pytest.mark.parametrize("text", ["raw/run7_1.root", "./raw/run7_1.root", "raw/../raw/run7_1.root"])
def test_a_name_with_a_slash_is_a_path_from_here(text: str) -> None:
    assert named(text) == str(Path.cwd() / "raw" / "run7_1.root")


@pytest.mark.parametrize(
    "text", ["run7_1.root", "/data//run7_1.root", "root://host//data/run7_1.root", "set:golden", "result:17"]
)
def test_anything_else_is_as_the_server_has_it(text: str) -> None:
    assert named(text) == text


def test_an_address_of_xrootd_has_one_spelling() -> None:
    assert named("xroot://host//data/run7_1.root") == "root://host//data/run7_1.root"


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """`data` is a link to the directory `disk3`, and `data/best.root` one to the file `run7_1.root` in it."""
    (tmp_path / "disk3").mkdir()
    (tmp_path / "disk3" / "run7_1.root").touch()
    (tmp_path / "disk3" / "best.root").symlink_to("run7_1.root")
    (tmp_path / "data").symlink_to("disk3")
    return tmp_path


def test_a_file_has_one_address_through_whatever_directory_it_is_named(linked: Path) -> None:
    assert address(f"{linked}/data/run7_1.root") == f"{linked}/disk3/run7_1.root"
    assert address(f"{linked}/data/../disk3/run7_1.root") == f"{linked}/disk3/run7_1.root"
    assert address(f"{linked}/data/best.root") == f"{linked}/disk3/best.root", "a link to a file is a file"
    assert address(f"{linked}/data/") == f"{linked}/disk3"


def test_a_path_is_asked_for_as_it_is_written_then_without_links(linked: Path) -> None:
    known = {f"{linked}/data/other.root", f"{linked}/disk3/run7_1.root"}

    def ask(name: str) -> str:
        if name not in known:
            raise NotKnown(name)
        return name

    assert by_its_name(f"{linked}/data/other.root", ask) == f"{linked}/data/other.root"
    assert by_its_name(f"{linked}/data/run7_1.root", ask) == f"{linked}/disk3/run7_1.root"
    for none in ("run7_1.root", f"{linked}/disk3/none.root"):
        with pytest.raises(NotKnown, match=none):
            by_its_name(none, ask)
