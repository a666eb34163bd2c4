"""What `p3s pilot list` shows of many pilots."""

import json
from typing import Any

import pytest

from p3s.cli import pilots


class Many:
    """A server with very many pilots."""

    def pilots(self, ended: bool, limit: int, **_: Any) -> list[dict[str, Any]]:
        assert not ended
        return [{"uuid": str(number)} for number in range(min(limit, 5_000))]


def test_a_list_that_is_cut_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(pilots, "Client", Many)
    for limit, note in ((4_999, "note: only the latest are shown; -n shows more\n"), (5_000, "")):
        pilots.list_pilots(limit=limit, json=True)
        said = capsys.readouterr()
        assert (len(json.loads(said.out)), said.err) == (limit, note)
