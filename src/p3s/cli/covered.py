"""What became of files, in few words: `p3s stream coverage` has all of it."""

from collections.abc import Iterable

from p3s.protocol.streams import CoverageRow

from . import show


def processed_of(rows: Iterable[CoverageRow]) -> str:
    """Of those that streams took how many are processed: `9 of 12`; nothing without any."""
    counts = [(row["processed"], row["taken"]) for row in rows]
    processed, taken = (sum(part) for part in zip(*counts, strict=True)) if counts else (0, 0)
    return f"{processed} of {taken}" if counts else ""


def wrong_of(rows: Iterable[CoverageRow]) -> int:
    """How many went wrong."""
    return sum(row["failed"] + row["lost"] + row["unknown"] for row in rows)


def left_out_of(rows: Iterable[CoverageRow]) -> int:
    """How many were left out on purpose, before a job was made of them or after."""
    return sum(
        row["sampled_out"] + sum(row["ignored"].values()) + sum(row["dropped"].values())
        + row["cancelled"] + row["skipped"]
        for row in rows
    )  # fmt: skip


def in_words(row: CoverageRow) -> str:
    """`np04: 100 files, 85 sampled out, 3 ignored (below 7 GB), 12 taken: 9 processed, ...`."""
    seen = [show.count(row["files"], "file")]
    seen += [f"{row['sampled_out']} sampled out"] if row["sampled_out"] else []
    seen += [f"{count} ignored ({why})" for why, count in row["ignored"].items()]
    became = [
        f"{row[name]} {word}"  # type: ignore[literal-required] # one of its fields
        for name, word in _WORDS.items()
        if row[name]  # type: ignore[literal-required]
    ]
    became += [f"{count} dropped{f' ({why})' if why else ''}" for why, count in row["dropped"].items()]
    taken = f"{row['taken']} taken" + (f": {', '.join(became)}" if became else "")
    return f"{row['stream']}: {', '.join([*seen, taken])}" + (f"; {row['manual']} by hand" if row["manual"] else "")


_WORDS = {
    "processed": "processed",
    "in_progress": "in progress",
    "failed": "failed",
    "lost": "lost",
    "cancelled": "cancelled",
    "skipped": "skipped",
    "unknown": "unknown",
}


def reasons(counts: dict[str, int]) -> str:
    """`5 (overflow 3, stale 2)`; empty for none."""
    words = ", ".join(f"{why} {count}" for why, count in sorted(counts.items(), key=lambda one: -one[1]))
    return show.plain(f"{sum(counts.values())} ({words})") if counts else ""
