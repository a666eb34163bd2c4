"""A payload of the demo: pedestals, noise, hits and event displays of one raw file of the simulated TPC.

It is an ordinary script. All it knows of p3s are variables of its environment (P3S_INPUT_PATH: the ROOT
file to read; P3S_RESULT_DIR: where to leave results, the current directory if unset) and the helper
p3s_result. It runs by hand just as well:

    P3S_INPUT_PATH=tpc_run000001_0001.root PYTHONPATH=... python tpc_monitor.py
"""

import os
import struct
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import uproot
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from p3s_result import Result
from uproot.writing.identify import to_TAxis, to_TH1x, to_TH2x

PLANES = ("U", "V", "Z")
BOARD_CHANNELS = 16
DEAD_NOISE = 0.5  # ADC counts: less noise than this and nothing is connected
NOISY_FACTOR = 2.0  # times the plane's median noise
HIT_SIGMAS = 6.0
ADC_RANGE = (-100, 200)  # of the spectra, relative to the pedestal
COLOURS = {"U": 602, "V": 418, "Z": 634}  # ROOT's blue, green and red
# What reading a damaged file was seen to raise.
BROKEN = (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, RuntimeError, AssertionError)
BROKEN += (MemoryError, struct.error, zlib.error, uproot.DeserializationError)


class Refused(Exception):
    """The input cannot be processed; the message is one line and says what to do."""


@dataclass
class Plane:
    """What one plane showed. Shapes: (channels,) but for signal (events, channels, ticks), hits (events, channels)."""

    name: str
    signal: np.ndarray  # ADC counts above pedestal
    pedestal: np.ndarray
    noise: np.ndarray
    hits: np.ndarray
    dead: np.ndarray
    noisy: np.ndarray


@dataclass
class Raw:
    """The content of a raw file."""

    run: int
    subrun: int
    events: np.ndarray
    adc: dict


def main():
    try:
        directory = result_directory()
        raw = read(input_path())
        planes = [analyse(name, raw.adc[name]) for name in PLANES]
        shown = int(np.argmax(sum(plane.hits.sum(axis=1) for plane in planes)))
        for plane in planes:
            draw_display(plane, raw, shown, directory / f"display_{plane.name}.png")
        write_histograms(planes, directory / "hist.root")
    except Refused as error:
        print(f"tpc_monitor: {error}", file=sys.stderr)
        return 1
    publish(planes, raw)
    return 0


def input_path():
    text = os.environ.get("P3S_INPUT_PATH")
    if not text:
        raise Refused("P3S_INPUT_PATH is not set; set it to a raw ROOT file, as p3s does")
    path = Path(text)
    if not path.is_file():
        raise Refused(f"{path} does not exist or is no file; check P3S_INPUT_PATH")
    check_root_file(path)
    return path


def result_directory():
    directory = Path(os.environ.get("P3S_RESULT_DIR", "."))
    if not (directory.is_dir() and os.access(directory, os.W_OK)):
        raise Refused(f"{directory} is no directory that can be written; check P3S_RESULT_DIR")
    return directory


def check_root_file(path):
    """Compare the length a ROOT file's header promises with the one it has: a cut file reads in part, or crashes.

    Source: ROOT's TFile header: "root", version (4 bytes), begin (4), end (4, or 8 from version 1,000,000 on).
    """
    with path.open("rb") as stream:
        head = stream.read(20)
    if len(head) < 20 or head[:4] != b"root":
        raise Refused(f"{path} is not a ROOT file: it does not begin with 'root'")
    (version,) = struct.unpack(">i", head[4:8])
    (promised,) = struct.unpack(">q", head[12:20]) if version >= 1_000_000 else struct.unpack(">i", head[12:16])
    size = path.stat().st_size
    if size < promised:
        raise Refused(f"{path} is truncated: its header promises {promised} bytes, it has {size}; copy it again")


def read(path):
    try:
        with uproot.open(path) as file:
            if "raw" not in file:
                found = ", ".join(file.keys(cycle=False)) or "nothing"
                raise Refused(f"{path} has no tree 'raw', it has {found}; give a raw file of the TPC")
            names = ["run", "subrun", "event", *(f"adc_{name.lower()}" for name in PLANES)]
            arrays = file["raw"].arrays(names, library="np")
    except BROKEN as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Refused(f"{path} cannot be read: {reason}; copy it again") from error
    if not len(arrays["run"]):
        raise Refused(f"{path} has no events in its tree 'raw'")
    adc = {name: arrays[f"adc_{name.lower()}"] for name in PLANES}
    return Raw(int(arrays["run"][0]), int(arrays["subrun"][0]), arrays["event"], adc)


def analyse(name, adc):
    """Pedestal (median), noise (RMS without the signal) and hits of each channel; adc is (events, channels, ticks)."""
    pedestal = np.median(adc, axis=(0, 2))
    signal = adc.astype(np.float32) - pedestal[:, np.newaxis].astype(np.float32)
    spread = np.maximum(1.4826 * np.median(np.abs(signal), axis=(0, 2)), 1.0)
    quiet = np.abs(signal) < 4 * spread[:, np.newaxis]
    noise = np.sqrt((signal**2 * quiet).sum(axis=(0, 2)) / quiet.sum(axis=(0, 2)))
    dead = noise < DEAD_NOISE
    typical = float(np.median(noise[~dead])) if not dead.all() else 0.0
    noisy = noise > NOISY_FACTOR * max(typical, DEAD_NOISE)
    over = signal > HIT_SIGMAS * np.maximum(noise, max(typical, DEAD_NOISE))[:, np.newaxis]
    hits = (over[:, :, 1:] & ~over[:, :, :-1]).sum(axis=2)
    return Plane(name, signal, pedestal, noise, hits, dead, noisy)


def draw_display(plane, raw, event, path):
    """Channel against drift time for one event, as a PNG; dead channels are grey."""
    figure = Figure(figsize=(7.6, 4.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    picture = np.where(plane.dead[:, np.newaxis], np.nan, plane.signal[event]).T
    collects = plane.name == "Z"
    image = axes.imshow(
        picture,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        cmap=colormaps["magma" if collects else "RdBu_r"].resampled(48),  # few colours: half the file size
        vmin=(-5 if collects else -45),
        vmax=(90 if collects else 45),
        extent=(-0.5, picture.shape[1] - 0.5, 0, picture.shape[0]),
    )
    axes.set_facecolor("#b9bcc2")
    axes.set_xlabel("channel")
    axes.set_ylabel("drift time [ticks]")
    axes.set_xticks(range(0, picture.shape[1], BOARD_CHANNELS))
    axes.tick_params(colors="#444444", labelsize=9)
    for spine in axes.spines.values():
        spine.set_color("#999999")
    axes.set_title(f"Plane {plane.name}", loc="left", fontsize=13, fontweight="bold")
    where = f"run {raw.run}   subrun {raw.subrun}   event {raw.events[event]}"
    axes.set_title(where, loc="right", fontsize=10, color="#444444")
    label_boards(axes, plane, picture.shape[0])
    bar = figure.colorbar(image, ax=axes, pad=0.015, fraction=0.05, extend="both")
    bar.set_label("ADC counts above pedestal", fontsize=9)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8)
    figure.savefig(path)


def label_boards(axes, plane, height):
    """Write 'dead' or 'noisy' on each board where half of the channels are."""
    for board, word in sick_boards(plane):
        middle = (board + 0.5) * BOARD_CHANNELS - 0.5
        box = {"facecolor": "white", "edgecolor": "#c0392b", "boxstyle": "round,pad=0.25", "alpha": 0.9}
        axes.text(middle, height * 0.955, word, ha="center", va="center", fontsize=9, color="#c0392b", bbox=box)


def sick_boards(plane):
    """(board number, what is wrong) for boards of which at least half of the channels are dead or noisy."""
    found = []
    for word, mask in (("dead", plane.dead), ("noisy", plane.noisy)):
        for board in range(len(mask) // BOARD_CHANNELS):
            if mask[board * BOARD_CHANNELS : (board + 1) * BOARD_CHANNELS].mean() >= 0.5:
                found.append((board, word))
    return sorted(found)


def histogram(title, axis, contents, low, high, colour, entries=None):
    """A TH1D of the given bin contents, one entry a bin unless said; title and axis are (x title, y title) as ROOT
    writes them."""
    bins = len(contents)
    width = (high - low) / bins
    centres = low + width * (np.arange(bins) + 0.5)
    contents = np.asarray(contents, np.float64)
    return to_TH1x(
        fName=None,
        fTitle=title,
        data=np.concatenate([[0.0], contents, [0.0]]),
        fEntries=float(bins if entries is None else entries),
        fTsumw=contents.sum(),
        fTsumw2=(contents**2).sum(),
        fTsumwx=(contents * centres).sum(),
        fTsumwx2=(contents * centres**2).sum(),
        fSumw2=np.array([], np.float64),
        fXaxis=to_TAxis("xaxis", axis[0], bins, low, high),
        fYaxis=to_TAxis("yaxis", axis[1], 1, 0.0, 1.0, fTitleOffset=1.5),
        fLineColor=colour,
        fLineWidth=2,
    )


def map_of(title, axis, contents, x_range, y_range):
    """A TH2D of contents with shape (x bins, y bins)."""
    columns, rows = contents.shape
    framed = np.zeros((rows + 2, columns + 2))
    framed[1:-1, 1:-1] = contents.T
    return to_TH2x(
        fName=None,
        fTitle=title,
        data=framed.reshape(-1),
        fEntries=float(contents.sum()),
        fTsumw=float(contents.sum()),
        fTsumw2=float((contents**2).sum()),
        fTsumwx=0.0,
        fTsumwx2=0.0,
        fTsumwy=0.0,
        fTsumwy2=0.0,
        fTsumwxy=0.0,
        fSumw2=np.array([], np.float64),
        fXaxis=to_TAxis("xaxis", axis[0], columns, *x_range),
        fYaxis=to_TAxis("yaxis", axis[1], rows, *y_range, fTitleOffset=1.5),
    )


def write_histograms(planes, path):
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        for plane in planes:
            name, colour, channels = plane.name, COLOURS[plane.name], len(plane.noise)
            by_channel = (-0.5, channels - 0.5, colour)
            for key, title, unit, contents in (
                ("pedestal", "Pedestal", "ADC counts", plane.pedestal),
                ("noise", "Noise", "RMS [ADC counts]", plane.noise),
                ("occupancy", "Occupancy", "hits per event", plane.hits.mean(axis=0)),
            ):
                axis = ("channel", unit)
                file[f"{key}/{name}"] = histogram(f"{title}, plane {name}", axis, contents, *by_channel)
            spread = adc_by_channel(plane.signal)
            axis = ("ADC counts above pedestal", "samples")
            title, counts = f"ADC spectrum, plane {name}", spread.sum(axis=0)
            file[f"adc/{name}"] = histogram(title, axis, counts, *ADC_RANGE, colour, counts.sum())
            axis = ("channel", "ADC counts above pedestal")
            title = f"ADC by channel, plane {name}"
            file[f"adc_channel/{name}"] = map_of(title, axis, spread, by_channel[:2], ADC_RANGE)


def adc_by_channel(signal):
    """Counts of samples by channel and ADC value, shape (channels, 2-count bins); the ends hold what lies beyond."""
    channels, bins = signal.shape[1], (ADC_RANGE[1] - ADC_RANGE[0]) // 2
    value = np.clip((signal - ADC_RANGE[0]) // 2, 0, bins - 1).astype(np.int64)
    flat = value + bins * np.arange(channels)[:, np.newaxis]
    return np.bincount(flat.ravel(), minlength=channels * bins).reshape(channels, bins).astype(float)


def publish(planes, raw):
    sick = [f"{plane.name}{board} {word}" for plane in planes for board, word in sick_boards(plane)]
    boards = sum(len(plane.noise) // BOARD_CHANNELS for plane in planes)
    with Result("TPC monitor", run=raw.run, subrun=raw.subrun) as result:
        said = f"board {', '.join(sick)}" if sick else f"all {boards} boards answer"
        result.check("boards", "bad" if sick else "good", comment=said)
        result.images("Event display", "display_{plane:a}.png", columns="plane", expect=len(planes))
        dead = sum(int(plane.dead.sum()) for plane in planes)
        noisy = sum(int(plane.noisy.sum()) for plane in planes)
        result.number("dead channels", dead, unit="ch", good=(0, 4), warn=(0, 12))
        result.number("noisy channels", noisy, unit="ch", good=(0, 4), warn=(0, 12))
        for plane in planes:
            alive = plane.noise[~plane.dead]
            noise = alive.mean() if len(alive) else None
            by = {"plane": plane.name}
            result.number("noise", noise, unit="ADC", by=by, good=(2.5, 4.5), warn=(2.0, 5.5))
            hits = plane.hits.sum(axis=1)
            error = hits.std() / np.sqrt(len(hits))
            result.number("hits per event", hits.mean(), error=error, by=by, good=(60, None), warn=(20, None))
        result.number("events", len(raw.events))
        file = "hist.root"
        result.root("Noise", file, objects=["noise/{plane:a}"], draw="hist")
        result.root("Pedestal", file, objects=["pedestal/{plane:a}"], draw="hist")
        result.root("Occupancy", file, objects=["occupancy/{plane:a}"], draw="hist")
        result.root("ADC spectrum", file, objects=["adc/{plane:a}"], draw="hist", log="y")
        result.root("ADC by channel", file, objects=["adc_channel/{plane:a}"], draw="colz", log="z")


if __name__ == "__main__":
    sys.exit(main())
