"""Durations and sizes as people write them."""

import pytest

from p3s.protocol import units


@pytest.mark.parametrize(("text", "expected"), [("30s", 30.0), ("20m", 1200.0), ("1.5h", 5400.0), ("2d", 172800.0)])
def test_durations(text: str, expected: float) -> None:
    assert units.seconds(text) == expected


@pytest.mark.parametrize(
    ("duration", "text"), [(0, "0s"), (90.0, "90s"), (5400.0, "90m"), (7200, "2h"), (172800.0, "2d"), (0.5, "0.5s")]
)
def test_durations_are_written_as_they_are_read(duration: float, text: str) -> None:
    assert units.written(duration) == text
    assert units.seconds(text) == duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [("4GB", 4 * 10**9), ("500MB", 5 * 10**8), ("4GiB", 4 * 2**30), ("1024", 1024), ("1.5 gb", 15 * 10**8)],
)
def test_sizes(text: str, expected: int) -> None:
    assert units.size(text) == expected


@pytest.mark.parametrize("text", ["", "s", "5", "-1s", "nans", "1w", "infd"])
def test_what_is_no_duration_says_how(text: str) -> None:
    with pytest.raises(ValueError, match="write 30s, 20m"):
        units.seconds(text)


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "4XB", "nan", "infGB", "4 5"])
def test_what_is_no_size_says_how(text: str) -> None:
    with pytest.raises(ValueError, match="write 500MB"):
        units.size(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (508, "508 B"),
        (999.6, "1 kB"),
        (12_345, "12.3 kB"),
        (999_600, "1 MB"),
        (7.52e9, "7.52 GB"),
        (4e15, "4000 TB"),
    ],
)
def test_bytes_for_people(count: float, text: str) -> None:
    assert units.of_bytes(count) == text


def test_bytes_in_fewer_digits() -> None:
    assert [units.of_bytes(count, 2) for count in (123e9, 1.26e9, 999.6e6)] == ["120 GB", "1.3 GB", "1 GB"]


def test_things_are_counted() -> None:
    assert [units.counted(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
