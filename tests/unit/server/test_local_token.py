"""The file of the local token is there whole or not at all, and is its owner's."""

import os
from pathlib import Path

import pytest

from p3s.server.project.local_token import local_token


def test_it_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    made = local_token(tmp_path)
    assert made.startswith("p3su_")
    assert local_token(tmp_path) == made
    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [("token", 0o600)]


def test_nobody_sees_it_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that read it while the server started spoke without a token."""
    fdopen = os.fdopen

    def opened(*words: object) -> object:
        assert not (tmp_path / "token").exists()
        return fdopen(*words)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "fdopen", opened)
    assert (tmp_path / "token").exists() is False
    assert len(local_token(tmp_path)) > 20


def test_what_a_killed_server_left_of_it_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".token.part").write_text("p3su_ab")
    assert len(local_token(tmp_path)) > 20
