"""Run numbers of ROOT files that carry them in their own branches."""

import struct
import zlib
from pathlib import Path

import numpy as np
import uproot

RUN_BRANCHES = ("run", "Run", "runNumber")
SUBRUN_BRANCHES = ("luminosityBlock", "subrun", "subRun", "lumi")

# What reading a cut, foreign or damaged file was seen to raise.
_BROKEN = (
    OSError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,
    AssertionError,
    MemoryError,
    struct.error,
    zlib.error,
    uproot.DeserializationError,
)


def run_of(path: Path | str) -> tuple[int | None, int | None]:
    """Run and subrun of a ROOT file's first event; None for what no tree of it tells or cannot be read.

    Of a truncated file they are read where its beginning suffices.
    """
    try:
        with uproot.open(path) as file:
            for name, kind in file.classnames(cycle=False).items():
                if kind != "TTree":
                    continue
                tree = file[name]
                run = _first(tree, RUN_BRANCHES)
                if run is not None:
                    return run, _first(tree, SUBRUN_BRANCHES)
    except _BROKEN:
        pass  # a file that cannot be read tells no run; who processes it will say what is wrong with it
    return None, None


def _first(tree: uproot.TTree, names: tuple[str, ...]) -> int | None:
    branches = tree.keys(recursive=False)
    for name in names:
        if name in branches:
            values = tree[name].array(entry_stop=1, library="np")
            if len(values) and np.issubdtype(values.dtype, np.integer) and values.ndim == 1:
                return int(values[0])
    return None
