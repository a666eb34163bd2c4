"""From which point a full disk is warned of, and refused for."""

import pytest

from p3s.domain.room import GB, Disk, Room, alarm, fullest, room_on

SMALL = 100 * GB


@pytest.mark.parametrize(
    ("free", "size", "expected"),
    [
        (10 * GB, SMALL, Room.ENOUGH),
        (10 * GB - 1, SMALL, Room.LOW),
        (5 * GB - 1, SMALL, Room.TIGHT),
        (2 * GB - 1, SMALL, Room.NONE),
        (0, 0, Room.ENOUGH),
        # A tenth of a large disk is plenty.
        (51 * GB, 100_000 * GB, Room.ENOUGH),
        (49 * GB, 100_000 * GB, Room.LOW),
        (19 * GB, 100_000 * GB, Room.TIGHT),
        (4 * GB, 100_000 * GB, Room.NONE),
    ],
)
def test_the_smaller_of_a_share_and_a_number_of_bytes_counts(free: int, size: int, expected: Room) -> None:
    assert room_on(Disk("/data", free, size)) is expected


def test_the_worst_disk_counts() -> None:
    roomy, tight, full = Disk("/a", 90 * GB, SMALL), Disk("/b", 4 * GB, SMALL), Disk("/c", 1 * GB, SMALL)
    assert fullest([roomy, full, tight]) is full
    assert fullest([tight, roomy]) is tight
    assert fullest([roomy, Disk("/d", 80 * GB, SMALL)]).path == "/d"


def test_the_alarm_says_where_how_much_and_what_follows() -> None:
    assert alarm(Disk("/data", 50 * GB, SMALL)) is None
    said = {room: alarm(Disk("/data", free * GB, SMALL)) for room, free in ((Room.LOW, 8), (Room.NONE, 1))}
    low, none = said[Room.LOW], said[Room.NONE]
    assert low is not None
    assert none is not None
    assert low.severity == "warning"
    assert low.message.startswith("8 GB (8 %) free on /data: soon no files of results will be kept")
    assert none.severity == "bad"
    assert "no new jobs are taken" in none.message


def test_a_little_less_room_is_not_said_anew() -> None:
    assert alarm(Disk("/data", 8_040_000_000, SMALL)) == alarm(Disk("/data", 8_030_000_000, SMALL))
