"""One file of a workflow is deleted, and nothing else, whatever stands at its path or on the way there."""

import os
import time
from pathlib import Path

import pytest

from p3s.server.upkeep.deleting import Doomed, Left, delete, examine

NOW = time.time()


def doomed(place: Path, path: Path, since: float = 0.0, until: float = NOW + 3_600) -> Doomed:
    return Doomed(str(place), str(path), since, until)


def test_a_plain_file_goes_and_its_neighbours_stay(tmp_path: Path) -> None:
    file, other = tmp_path / "w" / "deep" / "a", tmp_path / "w" / "deep" / "b"
    file.parent.mkdir(parents=True)
    file.write_text("12345")
    other.write_text("x")
    assert examine(doomed(tmp_path, file)) == 5
    assert delete(doomed(tmp_path, file)) == 5
    assert (file.exists(), other.exists()) == (False, True)
    assert delete(doomed(tmp_path, file)) is None
    assert delete(doomed(tmp_path, tmp_path / "none" / "a")) is None


def test_no_link_is_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.mkdir()
    (target / "a").write_text("x")
    place = tmp_path / "place"
    place.mkdir()
    (place / "link").symlink_to(target)
    (place / "a").symlink_to(target / "a")
    for path in (place / "link" / "a", place / "a", place / "link"):
        with pytest.raises(Left):
            delete(doomed(place, path))
    assert (target / "a").read_text() == "x"
    assert (place / "a").is_symlink()


def test_what_is_outside_of_the_place_or_no_file_stays(tmp_path: Path) -> None:
    place = tmp_path / "place"
    (place / "directory").mkdir(parents=True)
    (tmp_path / "a").write_text("x")
    (place / "file").write_text("x")
    os.mkfifo(place / "fifo")
    for path in (tmp_path / "a", place, place / "directory", place / "fifo", place / "file" / "a"):
        with pytest.raises(Left):
            delete(doomed(place, path))
    with pytest.raises(Left, match="is not below"):
        delete(Doomed(str(place), f"{place}/../a", 0.0, NOW))
    assert (tmp_path / "a").exists()


def test_what_was_there_before_or_was_changed_after_stays(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("x")
    with pytest.raises(Left, match="it was there before its workflow"):
        delete(doomed(tmp_path, file, since=time.time() + 1_000))
    os.utime(file, (0, 0))
    with pytest.raises(Left, match="before its workflow"):
        delete(doomed(tmp_path, file, since=time.time() + 1_000))
    os.utime(file, (NOW, NOW + 5_000))
    with pytest.raises(Left, match="changed after its workflow had ended"):
        delete(doomed(tmp_path, file))
    assert file.exists()


def test_a_directory_in_which_the_server_may_not_write_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("x")
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with pytest.raises(PermissionError, match="may not write"):
        delete(doomed(tmp_path, tmp_path / "a"))
    assert (tmp_path / "a").exists()
