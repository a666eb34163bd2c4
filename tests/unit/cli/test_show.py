"""What payloads and other people wrote reaches a terminal as text: no markup, no control characters."""

import io

import pytest
from rich.console import Console

from p3s.cli import show

HOSTILE = "a[/x]\x1b[31m\x9b[bold]b"
SEEN = "a[/x]?[31m?[bold]b"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Stderr as a terminal."""
    found = io.StringIO()
    console = Console(file=found, force_terminal=True, width=200, color_system=None)
    monkeypatch.setattr(show, "errors", lambda: console)
    return found


def test_a_hostile_name_is_shown_while_it_is_worked_on(screen: io.StringIO) -> None:
    with show.status(f"{HOSTILE} is running") as say:
        say(f"{HOSTILE} goes on")
    with show.progress(f"reading {HOSTILE}", 2) as advance:
        advance(1, "")
        advance(2, f"at {HOSTILE}")
    for words in (f"{SEEN} goes on", f"reading {SEEN}", f"at {SEEN}"):
        assert words in screen.getvalue()


def test_a_text_that_others_wrote_is_as_it_is_in_a_pipe_and_harmless_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show.text("a\x9b31m\nb\n")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    show.text("a\x9b31m\nb\n")
    assert capsys.readouterr().out == "a\x9b31m\nb\na?31m\nb\n"
