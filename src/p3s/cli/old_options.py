"""Words that translations of 2018's command lines share."""

Words = list[str]


class NoCounterpart(Exception):
    """There is no such thing here, or not yet; the message says what to use."""


def needed(values: Words, otherwise: str) -> Words:
    """What was named. Raises NoCounterpart when nothing was."""
    if not any(values):
        raise NoCounterpart(otherwise)
    return values
