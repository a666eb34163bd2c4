"""Guessing passwords is slowed down, and nobody is locked out by a stranger."""

from p3s.server.accounts.tries import MOST_KNOWN, MOST_TRIES, WITHIN_S, Tries


def test_after_so_many_one_waits_until_the_oldest_is_old() -> None:
    tries = Tries()
    for at in range(MOST_TRIES):
        assert not tries.too_many("10.0.0.1", "ana", float(at))
        assert tries.wrong("10.0.0.1", "ana", float(at)) == at + 1
    assert tries.too_many("10.0.0.1", "ana", float(MOST_TRIES))
    assert not tries.too_many("10.0.0.1", "ana", WITHIN_S)
    assert tries.wrong("10.0.0.1", "ana", WITHIN_S) == MOST_TRIES


def test_others_do_not_wait() -> None:
    tries = Tries()
    for at in range(MOST_TRIES):
        tries.wrong("10.0.0.1", "ana", float(at))
    assert not tries.too_many("10.0.0.2", "ana", 10.0)
    assert not tries.too_many("10.0.0.1", "ben", 10.0)


def test_what_it_remembers_is_bounded() -> None:
    tries = Tries()
    for number in range(MOST_KNOWN + 10):
        tries.wrong("10.0.0.1", f"n{number}", 0.0)
    assert tries.wrong("10.0.0.1", "n0", 0.0) == 1
    assert tries.wrong("10.0.0.1", f"n{MOST_KNOWN}", 0.0) == 2
