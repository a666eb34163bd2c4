"""Messages between machines: dropped, delayed, duplicated, reordered, at random from the seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from .clock import Clock


@dataclass
class Weather:
    """Chances per message, and the longest delay in seconds. `outages` cut one machine off for a while."""

    drop: float = 0.05
    duplicate: float = 0.05
    slow: float = 0.1
    longest_s: float = 8.0


class Network:
    """Carries calls. A machine that is cut off neither sends nor receives."""

    def __init__(self, clock: Clock, chance: random.Random, weather: Weather) -> None:
        self.clock = clock
        self.chance = chance
        self.weather = weather
        self.cut: set[str] = set()

    def send(self, sender: str, receiver: str, deliver: Callable[[], None]) -> None:
        """Let `deliver` happen at the receiver: never, once or twice, sooner or later."""
        if self.chance.random() < self.weather.drop:
            return
        self._carry(sender, receiver, deliver)
        if self.chance.random() < self.weather.duplicate:
            self._carry(sender, receiver, deliver)

    def _carry(self, sender: str, receiver: str, deliver: Callable[[], None]) -> None:
        def arrive() -> None:
            if sender not in self.cut and receiver not in self.cut:
                deliver()

        slow = self.chance.random() < self.weather.slow
        self.clock.after(self.chance.uniform(0.001, self.weather.longest_s if slow else 0.01), arrive)
