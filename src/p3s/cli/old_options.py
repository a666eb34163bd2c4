"""Words that translations of 2018's command lines share."""

Words = list[str]


class NoCounterpart(Exception):
    """There is no such thing here, or not yet; the message says what to use."""
