"""Whose token goes to which server: the local one to the local server alone, by whatever name it is called."""

import json
from pathlib import Path

import pytest

from p3s.client.place import find, server_dir


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a server of this user that is not running, with its token."""
    for name in ("P3S_SERVER", "P3S_TOKEN", "P3S_SERVER_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    found = server_dir()
    found.mkdir()
    (found / "token").write_text("local\n")
    return found


def runs(directory: Path, said: str = json.dumps({"url": "http://127.0.0.1:8373", "process": 1})) -> None:
    (directory / "server.json").write_text(said)


@pytest.mark.parametrize(
    "named", ["", "127.0.0.1:8373", "http://127.0.0.1:8373/", "localhost:8373", "http://[::1]:8373"]
)
def test_the_local_server_gets_its_token_by_any_name(here: Path, named: str) -> None:
    runs(here)
    assert find(named).token == "local"


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("named", ["http://elsewhere.example.org:8373", "http://elsewhere.example.org", "nonsense://x"])
def test_another_server_does_not(here: Path, named: str, running: bool) -> None:
    if running:
        runs(here)
    assert find(named).token == ""


def test_another_of_this_machine_does_not_while_ours_runs(here: Path) -> None:
    runs(here)
    assert find("http://127.0.0.1:9000").token == ""


def test_one_that_is_about_to_start_here_gets_it() -> None:
    assert (find("127.0.0.1:8373").token, find("http://elsewhere.example.org").token) == ("local", "")


def test_who_names_the_directory_means_its_token(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("P3S_SERVER_DIR", str(here))
    assert find("https://p3s.example.org").token == "local"


@pytest.mark.parametrize("said", ["[]", "{}", "no", '{"url": 3}'])
def test_a_file_that_is_none_of_ours_names_no_server(here: Path, said: str) -> None:
    runs(here, said)
    assert find("http://127.0.0.1:9000").server == "http://127.0.0.1:9000"
