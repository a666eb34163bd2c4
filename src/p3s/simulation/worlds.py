"""Harsher worlds than the plain one. Each seed draws one of them."""

import random
from functools import partial

from p3s.protocol.messages import JobSpec

from .world import KINDS, PEOPLE, World

QUICK = JobSpec("quick", jobtype="quick", priority=5)


class Busy(World):
    """More goes on at once, and jobs outlast leases: what the milder world meets once in a thousand seeds."""

    lease_s = 15.0

    def _schedule_user(self) -> None:
        super()._schedule_user()
        for number in range(60):
            at = self.chance.uniform(0, self.storm_s - 20)
            wanted = [self.chance.choice(self.kinds) for _ in range(2)]
            self.clock.at(at, partial(self._submit, f"busy{number}", wanted))
            self.clock.at(self.chance.uniform(0, self.storm_s), partial(self._meddle, "rerun"))
        for _ in range(40):
            self.clock.at(self.chance.uniform(0, self.storm_s), self._arrive)
        for number in range(100):
            what = list(PEOPLE)[number % len(PEOPLE)]
            self.clock.at(self.chance.uniform(0, self.storm_s), partial(self._meddle, what))
        for number in range(3):
            burst = [kind for kind in KINDS if kind.jobtype in ("vital", "plain")] * 10
            self.clock.at(self.chance.uniform(0, self.storm_s - 20), partial(self._submit, f"burst{number}", burst))

    def _schedule_disasters(self) -> None:
        super()._schedule_disasters()
        for number in range(12):
            self.clock.at(25.0 * number, self._add_pilot)
            self.clock.at(self.chance.uniform(0, self.storm_s), self._drain_one)
            self.clock.at(self.chance.uniform(0, self.storm_s), self._cut_off)


class Boastful(Busy):
    """Pilots register a slot more than they have, so that they are given more than they can hold all the time."""

    def _add_pilot(self) -> None:
        super()._add_pilot()
        self.pilots[-1].slots = max(1, self.pilots[-1].slots - 1)


class Quick(Busy):
    """Most jobs last milliseconds and come in flocks, so that they are ordered ahead of free slots."""

    kinds = [QUICK] * 12 + KINDS

    def _schedule_user(self) -> None:
        super()._schedule_user()
        for number in range(8):
            at = self.chance.uniform(0, self.storm_s - 20)
            self.clock.at(at, partial(self._submit, f"flock{number}", [QUICK] * 60))


WORLDS: tuple[type[World], ...] = (World, Busy, Boastful, Quick)


def kind_of(seed: int) -> type[World]:
    """Which world a seed draws."""
    return random.Random(f"world of {seed}").choice(WORLDS)


def draw(seed: int) -> World:
    """The world of a seed, not yet run."""
    return kind_of(seed)(seed)
