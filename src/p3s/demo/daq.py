"""Simulated data acquisition: writes one ROOT file after another, as an experiment's would.

    python -m p3s.demo.daq --out DIR [--runs N] [--subruns M] [--interval S] [--seed K] ...

Files are `tpc_run000001_0001.root` with a TTree `raw` of the branches run, subrun, event and adc_u,
adc_v, adc_z, each int16 of shape (channels, ticks). A file is renamed into place when it is whole.
"""

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

import numpy as np
import uproot

from p3s.demo.tpc import HEALTHY, PLANES, Sickness, TpcConfig, Waveforms, draw_pedestals, draw_sickness, simulate
from p3s.protocol.units import of_bytes


class _Stop(Exception):
    """SIGTERM came."""


def file_name(run: int, subrun: int) -> str:
    return f"tpc_run{run:06d}_{subrun:04d}.root"


def sickness_of(seed: int, run: int, index: int, sick_every: int, config: TpcConfig) -> Sickness:
    """What is wrong during a run: every `sick_every`-th run (`index` counts from 1; 0: never) is sick."""
    if sick_every <= 0 or index % sick_every:
        return HEALTHY
    return draw_sickness(np.random.default_rng([seed, run, 1]), config)


def simulate_file(
    seed: int, run: int, subrun: int, config: TpcConfig, sickness: Sickness = HEALTHY, events: int = 4
) -> dict[str, Waveforms]:
    """The raw data of one file; the same arguments give the same data."""
    pedestals = draw_pedestals(np.random.default_rng([seed, 0]), config)
    rng = np.random.default_rng([seed, run, 2, subrun])
    return simulate(rng, config, pedestals, sickness, events)


def write_file(directory: Path, run: int, subrun: int, raw: Mapping[str, Waveforms]) -> Path:
    """Write one file under a hidden name beside its place and rename it; its path. Errors: OSError."""
    path = directory / file_name(run, subrun)
    temporary = directory / f".{path.name}.part"
    events = len(raw[PLANES[0]])
    numbers = {
        "run": np.full(events, run, np.int32),
        "subrun": np.full(events, subrun, np.int32),
        "event": np.arange(1, events + 1, dtype=np.int32),
    }
    waveforms = {f"adc_{plane.lower()}": raw[plane] for plane in PLANES}
    types = {name: np.dtype((array.dtype, array.shape[1:])) for name, array in (numbers | waveforms).items()}
    try:
        with uproot.recreate(temporary, compression=uproot.ZLIB(1)) as file:
            tree = file.mktree("raw", types, title="raw data of the simulated TPC")
            tree.extend(numbers | waveforms)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def take(options: argparse.Namespace, config: TpcConfig) -> Iterator[str]:
    """Write file after file, one line for each; ends after the asked number of runs, never for 0."""
    index = 0
    while options.runs == 0 or index < options.runs:
        run = options.first_run + index
        index += 1
        sickness = sickness_of(options.seed, run, index, options.sick_every, config)
        for subrun in range(1, options.subruns + 1):
            raw = simulate_file(options.seed, run, subrun, config, sickness, options.events)
            path = write_file(options.out, run, subrun, raw)
            size = of_bytes(path.stat().st_size)
            yield f"{path.name}  run {run} subrun {subrun}  {options.events} events  {size}  {sickness}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the acquisition until it has done what was asked, or Ctrl-C or SIGTERM; the exit status."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _raise_stop)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        _paced(take(options, TpcConfig()), options.interval)
    except (_Stop, KeyboardInterrupt):
        print("stopped", flush=True)
    except OSError as error:
        print(f"daq: cannot write to {options.out}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


def _paced(lines: Iterator[str], interval: float) -> None:
    """Print the lines, beginning work on each at its own time, so that the cadence does not drift."""
    due = time.monotonic()
    for line in lines:
        print(line, flush=True)
        due = max(due + interval, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def _raise_stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stop


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m p3s.demo.daq", description="Simulated data acquisition.")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files appear")
    parser.add_argument("--runs", type=_natural, default=0, metavar="N", help="how many runs; 0 (default): endless")
    parser.add_argument("--subruns", type=_natural, default=3, metavar="M", help="files a run (default 3)")
    parser.add_argument("--events", type=_natural, default=4, metavar="N", help="events a file (default 4)")
    parser.add_argument("--interval", type=float, default=2.0, metavar="S", help="seconds from file to file")
    parser.add_argument("--seed", type=_natural, default=1, metavar="K", help="same seed, same data (default 1)")
    parser.add_argument("--first-run", type=_natural, default=1, metavar="R", help="number of the first run")
    parser.add_argument("--sick-every", type=_natural, default=2, metavar="N", help="each N-th run is sick; 0: none")
    return parser


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main())
