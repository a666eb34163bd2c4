"""How long to wait before asking again. Pure: chance is an argument, between 0 and 1."""

FIRST_S = 0.1
LONGEST_S = 5.0


def delay(failures: int, chance: float) -> float:
    """Seconds after `failures` in a row: doubling, at most LONGEST_S, half of it left to chance.

    Short at first, because a server that restarts is back within a second; spread, because many pilots ask at once.
    """
    longest = min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, 10))
    return longest * (0.5 + chance / 2)
