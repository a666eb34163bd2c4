"""Simulated raw data of a small liquid-argon time projection chamber with three wire planes.

A box of 0.4 m x 0.4 m, read out over 0.3 m of drift. Straight ionization tracks cross it; each plane sees
them as wire against drift time: the induction planes U and V as bipolar pulses, the collection plane Z as
unipolar ones. On top lie pedestals, white noise, and noise common to the channels of one board.
Numbers are of the size of real detectors of this kind, and no more than that is claimed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PLANES = ("U", "V", "Z")
Waveforms = NDArray[np.int16]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TpcConfig:
    """The chamber and its electronics. Lengths in mm, times in ticks, amplitudes in ADC counts."""

    channels: int = 112  # in each plane
    board_channels: int = 16
    ticks: int = 512
    width: float = 400.0
    height: float = 400.0
    drift: float = 300.0
    angles: Mapping[str, float] = field(default_factory=lambda: {"U": 35.7, "V": -35.7, "Z": 0.0})  # degrees
    pedestals: Mapping[str, float] = field(default_factory=lambda: {"U": 1800.0, "V": 1800.0, "Z": 500.0})
    white_noise: float = 3.2
    board_noise: float = 1.4
    charge_per_mm: float = 26.0
    tracks: float = 4.0  # mean number in an event
    shaping: float = 3.0  # width of the response
    adc_bits: int = 12

    @property
    def boards(self) -> int:
        return self.channels // self.board_channels


@dataclass(frozen=True)
class Board:
    """One front-end board: its plane and its number from 0 in that plane."""

    plane: str
    number: int

    def __str__(self) -> str:
        return f"{self.plane}{self.number}"


@dataclass(frozen=True)
class Sickness:
    """What is wrong with the detector during a run: a board that is dead, a board that is noisy."""

    dead: Board | None = None
    noisy: Board | None = None

    def __str__(self) -> str:
        words = [f"board {self.dead} dead"] if self.dead else []
        words += [f"board {self.noisy} noisy"] if self.noisy else []
        return ", ".join(words) or "healthy"


HEALTHY = Sickness()


def draw_sickness(rng: np.random.Generator, config: TpcConfig) -> Sickness:
    """One dead and one noisy board, in different planes."""
    dead, noisy = rng.choice(len(PLANES), size=2, replace=False)
    numbers = rng.integers(config.boards, size=2)
    return Sickness(Board(PLANES[dead], int(numbers[0])), Board(PLANES[noisy], int(numbers[1])))


def draw_pedestals(rng: np.random.Generator, config: TpcConfig) -> dict[str, Floats]:
    """Pedestal of each channel, shape (channels,) a plane; boards differ, channels of a board a little."""
    pedestals = {}
    for plane in PLANES:
        boards = np.repeat(rng.normal(0.0, 25.0, config.boards), config.board_channels)
        pedestals[plane] = config.pedestals[plane] + boards + rng.normal(0.0, 6.0, config.channels)
    return pedestals


def simulate(
    rng: np.random.Generator,
    config: TpcConfig,
    pedestals: Mapping[str, Floats],
    sickness: Sickness = HEALTHY,
    events: int = 4,
) -> dict[str, Waveforms]:
    """Raw waveforms of some events, shape (events, channels, ticks) for each plane, in ADC counts."""
    raw = {plane: np.empty((events, config.channels, config.ticks), np.int16) for plane in PLANES}
    for event in range(events):
        charge = _charge(rng, config)
        for plane in PLANES:
            signal = _respond(charge[plane], _response(config, plane))
            volts = signal + _noise(rng, config, plane, sickness) + pedestals[plane][:, np.newaxis]
            if sickness.dead and sickness.dead.plane == plane:
                volts[_channels(sickness.dead, config)] = 0.0
            raw[plane][event] = np.clip(np.rint(volts), 0, 2**config.adc_bits - 1)
    return raw


def _channels(board: Board, config: TpcConfig) -> slice:
    return slice(board.number * config.board_channels, (board.number + 1) * config.board_channels)


def _charge(rng: np.random.Generator, config: TpcConfig) -> dict[str, Floats]:
    """Charge arriving at each (channel, tick) of each plane, from a few straight tracks."""
    charge = {plane: np.zeros((config.channels, config.ticks)) for plane in PLANES}
    box = np.array([config.drift, config.height, config.width])
    for _ in range(1 + rng.poisson(config.tracks - 1)):
        points, steps = _track(rng, box)
        # Energy loss fluctuates along a track with a tail to large values, as Landau's.
        deposit = config.charge_per_mm * steps * rng.gamma(4.0, 0.25, len(points))
        for plane in PLANES:
            wires = _wires(points, config, plane)
            ticks = points[:, 0] / config.drift * (config.ticks - 80) + 40
            ticks = ticks + rng.normal(0.0, 0.8, len(points))  # diffusion
            inside = (ticks >= 0) & (ticks < config.ticks)
            np.add.at(charge[plane], (wires[inside], ticks[inside].astype(int)), deposit[inside])
    return charge


def _track(rng: np.random.Generator, box: Floats) -> tuple[Floats, float]:
    """Points in the box along a straight line, shape (points, 3) as (drift, y, z), and their distance in mm."""
    centre = rng.uniform(0.15, 0.85, 3) * box
    direction = rng.normal(0.0, 1.0, 3) * np.array([0.8, 1.0, 1.0])
    direction /= np.linalg.norm(direction)
    # One track in five stops or starts inside the chamber.
    length = np.linalg.norm(box) * (rng.uniform(0.15, 0.5) if rng.random() < 0.2 else 1.0)
    step = 0.4
    along = np.arange(-length, length, step)
    points = centre + along[:, np.newaxis] * direction
    return points[np.all((points >= 0) & (points < box), axis=1)], step


def _wires(points: Floats, config: TpcConfig, plane: str) -> NDArray[np.int64]:
    """Number of the wire next to each point: wires are spaced evenly across the slanted frame."""
    angle = np.radians(config.angles[plane])
    y, z = points[:, 1] - config.height / 2, points[:, 2] - config.width / 2
    across = z * np.cos(angle) + y * np.sin(angle)
    half = config.width / 2 * np.cos(angle) + config.height / 2 * abs(np.sin(angle))
    wires = ((across + half) / (2 * half) * config.channels).astype(np.int64)
    return np.asarray(np.clip(wires, 0, config.channels - 1))


def _response(config: TpcConfig, plane: str) -> Floats:
    """Response to a unit charge over a window of ticks: unipolar for Z, its negative slope for U and V."""
    ticks = np.arange(-20, 21) / config.shaping
    pulse = np.exp(-(ticks**2) / 2)
    if plane == "Z":
        return np.asarray(pulse / pulse.sum() * 1.6)
    slope = ticks * pulse
    return np.asarray(slope / np.abs(slope).sum() * 2.4)


def _respond(charge: Floats, response: Floats) -> Floats:
    """Charge convolved with the response along ticks."""
    ticks = charge.shape[1]
    size = ticks + len(response) - 1
    spectrum = np.fft.rfft(charge, size) * np.fft.rfft(response, size)
    start = len(response) // 2
    return np.asarray(np.fft.irfft(spectrum, size)[:, start : start + ticks])


def _noise(rng: np.random.Generator, config: TpcConfig, plane: str, sickness: Sickness) -> Floats:
    """White noise of each channel and low-frequency noise common to each board, shape (channels, ticks)."""
    white = config.white_noise * rng.standard_normal((config.channels, config.ticks), dtype=np.float32)
    phases = rng.uniform(0, 2 * np.pi, (config.boards, 1))
    frequencies = rng.uniform(2.0, 9.0, (config.boards, 1)) / config.ticks
    waves = np.sin(2 * np.pi * frequencies * np.arange(config.ticks) + phases)
    common = np.repeat(config.board_noise * np.sqrt(2) * waves, config.board_channels, axis=0)
    if sickness.noisy and sickness.noisy.plane == plane:
        white[_channels(sickness.noisy, config)] *= 6.0
    return np.asarray(white + common, dtype=np.float64)
