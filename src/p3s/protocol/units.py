"""Durations, sizes and numbers of things as people write them. Raises ValueError that says how."""

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def seconds(text: str) -> float:
    """Seconds of `500ms`, `30s`, `20m`, `3h`, `2d`."""
    number = text.rstrip("smhd")
    unit = text[len(number) :]
    try:
        found = float(number) * _SECONDS[unit]
    except (ValueError, KeyError):
        found = float("nan")
    if not 0 <= found < float("inf"):
        raise ValueError(f"{text!r} is not a duration; write 30s, 20m, 3h or 2d")
    return found


def written(duration: float) -> str:
    """Seconds as a person would write them: `90s`, `20m`, `3h`."""
    for unit in ("d", "h", "m"):
        if duration and duration % _SECONDS[unit] == 0:
            return f"{duration / _SECONDS[unit]:.15g}{unit}"
    return f"{duration:.15g}s"


def counted(number: int, what: str) -> str:
    """`1 file`, `3 files`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def of_bytes(count: float, digits: int = 3) -> str:
    """A number of bytes for people, in so many digits: `508 B`, `7.52 GB`."""
    units = ("B", "kB", "MB", "GB", "TB")
    for unit in units:
        if count < 999.5 or unit == units[-1]:  # more is rounded to a thousand
            break
        count /= 1000
    return f"{float(f'{count:.{digits}g}'):g} {unit}"


def size(text: str) -> int:
    """Bytes of `500MB`, `4GB`, `4GiB` or a plain number."""
    number = text.strip().rstrip("BbKkMmGgTtIi ")
    unit = text.strip()[len(number) :].strip().upper()
    try:
        found = float(number) * _BYTES[unit]
    except (ValueError, KeyError):
        found = float("nan")
    if not 0 <= found < float("inf"):
        raise ValueError(f"{text!r} is not a size; write 500MB, 4GB or 4GiB")
    return int(found)
