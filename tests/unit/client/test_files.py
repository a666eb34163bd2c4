"""Files as people name them."""

from pathlib import Path

import pytest

from p3s.client.files import named


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
