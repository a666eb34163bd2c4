"""A payload of the demo: the spectra of all files of a run so far, added up.

It is started for the run, not for a file: what it reads, the jobs of the files have published. p3s_result's `inputs`
brings it. By hand it adds up the files that it is given:

    PYTHONPATH=... python tpc_merge.py first/hist.root second/hist.root
"""

import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import uproot
from p3s_result import Result, inputs
from uproot.writing.identify import to_TAxis, to_TH1x, to_TH2x

ADDED = ("adc/", "adc_channel/")  # counts; pedestals and noise are means, and do not add up
SUMS_1 = ("fEntries", "fTsumw", "fTsumw2", "fTsumwx", "fTsumwx2")
SUMS_2 = (*SUMS_1, "fTsumwy", "fTsumwy2", "fTsumwxy")
# What reading a damaged file was seen to raise.
BROKEN = (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, RuntimeError, AssertionError)
BROKEN += (MemoryError, struct.error, zlib.error, uproot.DeserializationError)


def main():
    paths = sys.argv[1:] or inputs("hist.root", category="TPC monitor")
    if not paths:
        print("tpc_merge: there is nothing to add up: no file of the run has histograms yet", file=sys.stderr)
        return 1
    summed, bad = add_up(paths)
    directory = Path(os.environ.get("P3S_RESULT_DIR", "."))
    with uproot.recreate(directory / "run.root", compression=uproot.ZLIB(1)) as file:
        for key, sum_ in summed.items():
            file[key] = sum_.written()
    publish(summed, len(paths), bad)
    return 0


class Sum:
    """A histogram that grows: bins with under- and overflow, and ROOT's own sums."""

    def __init__(self, first):
        self.first = first
        self.names = SUMS_1 if first.classname.startswith("TH1") else SUMS_2
        self.bins = np.zeros_like(first.values(flow=True))
        self.sums = dict.fromkeys(self.names, 0.0)

    def add(self, one):
        self.bins = self.bins + one.values(flow=True)
        for name in self.names:
            self.sums[name] += one.member(name)

    def written(self):
        """As uproot writes it."""
        axes = {f"f{which}axis": self.axis(which) for which in "XY"}
        more = {"fName": None, "fTitle": self.first.member("fTitle"), "fSumw2": np.array([], np.float64)}
        if self.names is SUMS_2:
            return to_TH2x(data=self.bins.T.reshape(-1), **more, **self.sums, **axes)
        look = {name: self.first.member(name) for name in ("fLineColor", "fLineWidth")}
        return to_TH1x(data=self.bins, **more, **look, **self.sums, **axes)

    def axis(self, which):
        axis = self.first.member(f"f{which}axis")
        bins, low, high = (axis.member(name) for name in ("fNbins", "fXmin", "fXmax"))
        return to_TAxis(f"{which.lower()}axis", axis.member("fTitle"), bins, low, high, fTitleOffset=1.5)


def add_up(paths):
    """Sums by key, and the files that cannot be read."""
    summed, bad = {}, []
    for path in paths:
        try:
            found = read(path)
        except BROKEN as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            bad.append(f"{path}: {reason}")
            continue
        for key, one in found.items():
            summed.setdefault(key, Sum(one)).add(one)
    return summed, bad


def read(path):
    with uproot.open(path) as file:
        return {key: file[key] for key in file.keys(cycle=False) if key.startswith(ADDED)}


def publish(summed, files, bad):
    with Result("TPC run") as result:
        result.number("files added up", files - len(bad))
        samples = sum(one.sums["fTsumw"] for key, one in summed.items() if key.startswith("adc/"))
        result.number("samples", samples)
        if bad:
            result.check("files", "warning", comment=f"{len(bad)} cannot be read: {'; '.join(bad[:5])}"[:2000])
        result.root("ADC spectrum", "run.root", objects=["adc/{plane:a}"], draw="hist", log="y")
        result.root("ADC by channel", "run.root", objects=["adc_channel/{plane:a}"], draw="colz", log="z")


if __name__ == "__main__":
    sys.exit(main())
