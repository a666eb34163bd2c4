"""Silent pilots, and the one alarm about them."""

import pytest

from p3s.domain import silence
from p3s.domain.book import Book
from p3s.domain.effects import PilotAdded

NOW = 1_700_000_000.0


@pytest.fixture
def book() -> Book:
    """Twelve pilots, four on each of three hosts of two sites, heard at NOW."""
    made = Book(NOW - 1000)
    for number in range(12):
        host = f"host{number // 4}"
        site = "near" if number < 4 else "far"
        made.apply(PilotAdded(f"p{number}", host, site, 1, 300.0, "hash", "ana", NOW))
    return made


def hear(book: Book, *numbers: int, at: float) -> None:
    for number in numbers:
        book.heard.again(book.pilots[f"p{number}"], at)


def test_nobody_is_silent_at_the_limit(book: Book) -> None:
    assert silence.silent(book, NOW + 30.0) == []
    assert silence.alarm(book, NOW + 30.0) is None


def test_a_pilot_with_an_open_lane_is_not_silent(book: Book) -> None:
    book.open_lane(book.pilots["p0"], 1, 0)
    assert "p0" not in [entry.pilot for entry in silence.silent(book, NOW + 31)]
    book.close_lane(book.pilots["p0"])
    assert "p0" in [entry.pilot for entry in silence.silent(book, NOW + 31)]


def test_silence_is_never_counted_from_before_the_server_s_start() -> None:
    book = Book(NOW)
    book.apply(PilotAdded("p", "host", "site", 1, 300.0, "hash", "ana", NOW - 500))
    assert silence.silent(book, NOW + 20) == []


def test_a_silent_pilot_is_ordered_nothing(book: Book) -> None:
    """It has no open lane, and only open lanes are given orders."""
    assert silence.silent(book, NOW + 60)
    assert not book.ready.entries
    assert not book.eager.entries


def test_one_pilot_is_named_by_its_host(book: Book) -> None:
    hear(book, *range(1, 12), at=NOW + 40)
    alarm = silence.alarm(book, NOW + 40)
    assert alarm is not None
    assert alarm.message == "1 pilot on host0 of site near silent since 22:13:20 UTC"
    assert (alarm.severity, alarm.detail["sites"]) == ("warning", {"near": {"host0": ["p0"]}})


def test_many_are_one_alarm_by_host_and_site(book: Book) -> None:
    hear(book, *range(1, 7), 11, at=NOW + 40)
    alarm = silence.alarm(book, NOW + 40)
    assert alarm is not None
    assert alarm.message == "5 pilots on 3 hosts of 2 sites silent since 22:13:20 UTC"
    assert alarm.detail["sites"] == {"near": {"host0": ["p0"]}, "far": {"host1": ["p7"], "host2": ["p8", "p9", "p10"]}}


def test_when_most_are_silent_the_server_doubts_itself_first(book: Book) -> None:
    hear(book, *range(5), at=NOW + 40)
    alarm = silence.alarm(book, NOW + 40)
    assert alarm is not None
    assert alarm.message.startswith("Is this server's own network well? It hears 7 of all 12 no more: 7 pilots on ")
    assert alarm.severity == "bad"
    hear(book, 5, at=NOW + 40)
    half = silence.alarm(book, NOW + 40)
    assert half is not None
    assert half.severity == "warning", "half is not more than half"


def test_the_message_is_the_same_as_long_as_the_same_are_silent(book: Book) -> None:
    first, later = silence.alarm(book, NOW + 31), silence.alarm(book, NOW + 250)
    assert first == later


def test_the_ending_says_who_is_back_and_who_is_not(book: Book) -> None:
    alarm = silence.alarm(book, NOW + 31)
    assert alarm is not None
    del book.pilots["p3"]
    assert silence.ending(book, alarm.detail) == "11 heard again, 1 ended"
    book.pilots.clear()
    assert silence.ending(book, alarm.detail) == "12 ended"
