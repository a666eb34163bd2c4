"""Room on the disk: from which point p3s warns, takes no files any more, and takes no work any more."""

from dataclasses import dataclass
from enum import IntEnum

from p3s.domain.silence import Alarm
from p3s.protocol.units import of_bytes

CAUSE = "disk"


class Room(IntEnum):
    """How much there is, the worse the higher."""

    ENOUGH = 0
    LOW = 1
    """An alarm; all goes on."""
    TIGHT = 2
    """No new images, files and logs: states and numbers go on."""
    NONE = 3
    """And no new work: what there is comes to its end."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system as it was looked at: bytes free for the server, and all of them."""

    path: str
    free: int
    size: int


GB = 10**9

LIMITS = ((Room.NONE, 0.02, 5 * GB), (Room.TIGHT, 0.05, 20 * GB), (Room.LOW, 0.10, 50 * GB))
"""From the worst on: below this share of the disk, and below so many bytes. A tenth of a large disk is plenty."""


def room_on(disk: Disk) -> Room:
    """How much room there is on a disk."""
    for room, share, most in LIMITS:
        if disk.free < min(share * disk.size, most):
            return room
    return Room.ENOUGH


def fullest(disks: list[Disk]) -> Disk:
    """The one with the least room; at least one is given."""
    return max(disks, key=lambda disk: (room_on(disk), -disk.free / max(1, disk.size)))


def alarm(disk: Disk) -> Alarm | None:
    """What a person should know of the fullest disk."""
    room = room_on(disk)
    if room is Room.ENOUGH:
        return None
    message = f"{described(disk)}: {_EFFECTS[room]}; free some, or purge old records"
    return Alarm(CAUSE, "disk", message, "warning" if room is Room.LOW else "bad", {"path": disk.path})


_EFFECTS = {
    Room.LOW: "soon no files of results will be kept",
    Room.TIGHT: "no new images, files and logs are kept; states and numbers go on",
    Room.NONE: "no new jobs are taken and no files are kept; what was taken goes on",
}


def described(disk: Disk) -> str:
    """`1.2 GB (4 %) free on /data`; in two digits: what is free changes all the time, what is said of it need not."""
    return f"{of_bytes(disk.free, 2)} ({100 * disk.free / max(1, disk.size):.2g} %) free on {disk.path}"
