"""A payload of the demo: muons, their pairs and multiplicities of a ROOT file with a TTree, or whatever it has.

It knows three ways to write muons: NanoAOD (Muon_pt, Muon_eta, ...), arrays of momenta (Muon_Px, ...)
and one pair an event (px1, py1, ...). Of any other tree it shows the first numeric branches.

It is an ordinary script. All it knows of p3s are variables of its environment (P3S_INPUT_PATH: the ROOT
file to read; P3S_RESULT_DIR: where to leave results, the current directory if unset) and the helper
p3s_result. It runs by hand just as well:

    P3S_INPUT_PATH=events.root PYTHONPATH=... python tree_monitor.py
"""

import os
import struct
import sys
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import awkward as ak
import numpy as np
import uproot
from p3s_result import Result
from uproot.writing.identify import to_TAxis, to_TH1x

CATEGORY = "Tree monitor"
MOST_BRANCHES = 12  # shown of a tree that is not understood
MOST_EVENTS = 200_000
Z_WINDOW = (80.0, 100.0)  # GeV
Z_ENOUGH = 100  # pairs in the window before the peak is judged: its error is then about 0.3 GeV
RUN_BRANCHES = ("run", "Run", "runNumber")
SUBRUN_BRANCHES = ("luminosityBlock", "subrun", "subRun", "lumi")
COUNTS = {
    "muons": ("nMuon", "NMuon"),
    "electrons": ("nElectron", "NElectron"),
    "jets": ("nJet", "NJet"),
    "photons": ("nPhoton", "NPhoton"),
    "taus": ("nTau",),
    "vertices": ("PV_npvs", "NPrimaryVertices"),
}
MOMENTA = ("px", "py", "pz", "E")
# What reading a damaged file was seen to raise.
BROKEN = (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError, RuntimeError, AssertionError)
BROKEN += (MemoryError, struct.error, zlib.error, uproot.DeserializationError)


class Refused(Exception):
    """The input cannot be processed; the message is one line and says what to do."""


@dataclass
class Findings:
    """What was found in one tree: histograms by name in the ROOT file, and calls that publish numbers."""

    run: int | None = None
    subrun: int | None = None
    events: int = 0
    histograms: dict = field(default_factory=dict)
    numbers: list = field(default_factory=list)  # (name, value, keyword arguments of Result.number)

    def number(self, name, value, **more):
        self.numbers.append((name, value, more))


def main():
    try:
        directory = result_directory()
        findings = examine(input_path())
    except Refused as error:
        print(f"tree_monitor: {error}", file=sys.stderr)
        return 1
    with uproot.recreate(directory / "tree.root", compression=uproot.ZLIB(1)) as file:
        for name, histogram in findings.histograms.items():
            file[name] = histogram
    publish(findings)
    return 0


def input_path():
    text = os.environ.get("P3S_INPUT_PATH")
    if not text:
        raise Refused("P3S_INPUT_PATH is not set; set it to a ROOT file, as p3s does")
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


def examine(path):
    try:
        with uproot.open(path) as file:
            tree = largest_tree(path, file)
            findings = Findings(events=tree.num_entries)
            if not findings.events:
                raise Refused(f"{path} has no events in its tree '{tree.name}'")
            findings.run = first_of(tree, RUN_BRANCHES)
            findings.subrun = first_of(tree, SUBRUN_BRANCHES)
            findings.number("events", findings.events)
            muons = read_muons(tree)
            multiplicities(tree, findings)
            if muons is not None:
                single_muons(muons, findings)
                muon_pairs(muons, findings)
            if not findings.histograms:
                plain_branches(tree, findings)
    except BROKEN as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Refused(f"{path} cannot be read: {reason}; copy it again") from error
    if not findings.histograms:
        raise Refused(f"{path}: its tree '{tree.name}' has no numeric branch to show")
    return findings


def largest_tree(path, file):
    names = [name for name, kind in file.classnames(cycle=False).items() if kind == "TTree"]
    if not names:
        found = ", ".join(list(file.keys(cycle=False))[:5]) or "nothing"
        raise Refused(f"{path} has no TTree, it has {found}; give a file with a tree")
    return max((file[name] for name in dict.fromkeys(names)), key=lambda tree: tree.num_entries)


def first_of(tree, names):
    """The value of the first of these branches in the first event, or None."""
    for name in names:
        if name in tree.keys(recursive=False) and np.issubdtype(flat_type(tree[name]), np.integer):
            return int(tree[name].array(entry_stop=1, library="np")[0])
    return None


def flat_type(branch):
    """The numpy type of a branch with one number an event; object for all others."""
    kind = branch.interpretation.numpy_dtype if hasattr(branch.interpretation, "numpy_dtype") else np.dtype(object)
    return kind if kind.subdtype is None else np.dtype(object)


def read_muons(tree):
    """Muons of each event as a jagged array with px, py, pz, E in GeV and charge; None if the tree has none."""
    names = set(tree.keys(recursive=False))
    if {"Muon_pt", "Muon_eta", "Muon_phi", "Muon_mass", "Muon_charge"} <= names:
        read = load(tree, {"pt": "Muon_pt", "eta": "Muon_eta", "phi": "Muon_phi", "m": "Muon_mass"}, "Muon_charge")
        px, py = read.pt * np.cos(read.phi), read.pt * np.sin(read.phi)
        pz = read.pt * np.sinh(read.eta)
        energy = np.sqrt(px**2 + py**2 + pz**2 + read.m**2)
        return ak.zip({"px": px, "py": py, "pz": pz, "E": energy, "charge": read.charge})
    if {"Muon_Px", "Muon_Py", "Muon_Pz", "Muon_E", "Muon_Charge"} <= names:
        columns = {"px": "Muon_Px", "py": "Muon_Py", "pz": "Muon_Pz", "E": "Muon_E"}
        return load(tree, columns, "Muon_Charge")
    if {f"{part}{leg}" for part in (*MOMENTA, "Q") for leg in (1, 2)} <= names:
        legs = [load(tree, {part: f"{part}{leg}" for part in MOMENTA}, f"Q{leg}") for leg in (1, 2)]
        return ak.concatenate([leg[:, np.newaxis] for leg in legs], axis=1)
    return None


def load(tree, columns, charge):
    """The named branches as one array of records, integer charges apart; at most MOST_EVENTS events."""
    arrays = tree.arrays([*columns.values(), charge], entry_stop=MOST_EVENTS)
    read = {name: ak.values_astype(arrays[branch], np.float64) for name, branch in columns.items()}
    return ak.zip({**read, "charge": ak.values_astype(arrays[charge], np.int32)})


def multiplicities(tree, findings):
    names = set(tree.keys(recursive=False))
    for what, candidates in COUNTS.items():
        name = next((candidate for candidate in candidates if candidate in names), None)
        if name is None:
            continue
        counts = tree[name].array(entry_stop=MOST_EVENTS, library="np")
        top = max(10, int(counts.max()) + 1)
        findings.histograms[f"multiplicity/{what}"] = histogram(
            f"Number of {what}", (f"{what} in an event", "events"), counts, top, -0.5, top - 0.5
        )
        findings.number(f"{what} per event", counts.mean(), error=error_of_mean(counts))


def single_muons(muons, findings):
    flat = ak.flatten(muons)
    pt = ak.to_numpy(np.hypot(flat.px, flat.py))
    pz = ak.to_numpy(flat.pz)[pt > 0]
    pt = pt[pt > 0]
    eta = np.arcsinh(pz / pt)
    findings.histograms["muon/pt"] = histogram("Muon transverse momentum", ("p_{T} [GeV]", "muons"), pt, 60, 0, 120)
    findings.histograms["muon/eta"] = histogram("Muon pseudorapidity", ("#eta", "muons"), eta, 50, -2.5, 2.5)
    if len(pt):
        findings.number("muon pt", pt.mean(), error=error_of_mean(pt), unit="GeV")
        findings.number("muon eta", eta.mean(), error=error_of_mean(eta))


def muon_pairs(muons, findings):
    """The invariant mass of the two muons of opposite charge with the highest transverse momenta."""
    ordered = muons[ak.argsort(np.hypot(muons.px, muons.py), ascending=False)]
    pairs = ak.combinations(ordered, 2, fields=["one", "two"])
    pair = ak.drop_none(ak.firsts(pairs[pairs.one.charge * pairs.two.charge < 0]))
    energy, px, py, pz = (pair.one[part] + pair.two[part] for part in ("E", "px", "py", "pz"))
    mass = np.sqrt(np.maximum(ak.to_numpy(energy**2 - px**2 - py**2 - pz**2), 0.0))
    findings.number("muon pairs", len(mass))
    if not len(mass):
        return
    findings.histograms["dimuon/mass"] = histogram(
        "Mass of the muon pair", ("m_{#mu#mu} [GeV]", "events"), mass, 120, 0, 150
    )
    near = mass[(mass > Z_WINDOW[0]) & (mass < Z_WINDOW[1])]
    if len(near) >= Z_ENOUGH:
        # The median's error is 1.25 times that of the mean for a bell-shaped peak. The limits are wide
        # against it and against the natural width; a wrong calibration by 2 % is outside.
        limits = {"good": (89.5, 92.0), "warn": (88.5, 93.0)}
        error = 1.25 * error_of_mean(near)
        findings.number("Z peak", np.median(near), error=error, unit="GeV", **limits)


def plain_branches(tree, findings):
    """Histograms and means of the first numeric branches of a tree that is not understood."""
    for branch in tree.branches:
        if len(findings.histograms) >= MOST_BRANCHES:
            return
        values = numbers_of(branch)
        if values is None or not len(values):
            continue
        low, high = np.percentile(values, [0.5, 99.5])
        margin = 0.05 * (high - low) or 0.5
        title = (branch.name, "entries")
        findings.histograms[f"branch/{safe(branch.name)}"] = histogram(
            branch.name, title, values, 80, low - margin, high + margin
        )
        findings.number("mean", values.mean(), error=error_of_mean(values), by={"branch": branch.name[:80]})


def numbers_of(branch):
    """The finite numbers of a branch, flattened; None where it holds no numbers or cannot be read."""
    try:
        values = branch.array(entry_stop=MOST_EVENTS // 10)
        flat = ak.to_numpy(ak.flatten(values, axis=None))
    except (*BROKEN, TypeError, NotImplementedError):
        return None  # a branch of objects that awkward arrays cannot hold; others may do
    if flat.dtype.kind not in "biuf":
        return None
    flat = flat.astype(np.float64)
    return flat[np.isfinite(flat)]


def safe(name):
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)


def error_of_mean(values):
    return float(np.std(values) / np.sqrt(len(values))) if len(values) else None


def histogram(title, axis, values, bins, low, high):
    """A TH1D of the values; axis holds the titles of x and y."""
    values = np.asarray(values, np.float64)
    contents, edges = np.histogram(values, bins, (low, high))
    below, above = (values < low).sum(), (values > high).sum()
    centres = (edges[1:] + edges[:-1]) / 2
    return to_TH1x(
        fName=None,
        fTitle=title,
        data=np.concatenate([[below], contents, [above]]).astype(np.float64),
        fEntries=float(len(values)),
        fTsumw=float(contents.sum()),
        fTsumw2=float(contents.sum()),
        fTsumwx=float((contents * centres).sum()),
        fTsumwx2=float((contents * centres**2).sum()),
        fSumw2=np.array([], np.float64),
        fXaxis=to_TAxis("xaxis", axis[0], bins, low, high),
        fYaxis=to_TAxis("yaxis", axis[1], 1, 0.0, 1.0),
        fLineWidth=2,
        fFillColor=38,
    )


def publish(findings):
    # Run and subrun that the file does not tell are taken from the environment by the helper.
    with Result(CATEGORY, run=findings.run, subrun=findings.subrun) as result:
        for name, value, more in findings.numbers:
            result.number(name, value, **more)
        groups = dict.fromkeys(name.partition("/")[0] for name in findings.histograms)
        titles = {"multiplicity": "Multiplicities", "muon": "Muons", "dimuon": "Muon pairs", "branch": "Branches"}
        for group in groups:
            objects = [name for name in findings.histograms if name.startswith(f"{group}/")]
            result.root(titles[group], "tree.root", objects=objects, draw="hist")


if __name__ == "__main__":
    sys.exit(main())
