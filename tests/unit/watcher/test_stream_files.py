"""Stream files: every field, and every mistake with its line and what to write instead."""

import json
from pathlib import Path

import pytest

from p3s.protocol.data import DimensionSpec, Gather, LimitSpec, StreamJob, Take, Waiting
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import Needs
from p3s.watcher.places import Place
from p3s.watcher.rules import After, Beside, Bound, Complete, Sidecar
from p3s.watcher.streams import StreamFile, dataset_of, read

WHOLE = """\
dimensions: {apa: {order: [3, 2, 1, 5, 6, 4], labels: {3: APA3 RaS-US}}}
limits: {Purity/lifetime: {good: [0.3, null], warn: [0.1, null], drift: [0.2, 0.5]}}
jobtypes:
  monitor: {priority: 5, cap: 40, pick: freshest, eta: 10m, expects: [TPC monitor, Hits], input_as: name}
streams:
  np04:
    files: root://storage.example//eos/np04/input/np04_raw_run{run:d}_{subrun:d}_dl{dl:d}.root
    complete: {marker: "{name}.done"}
    ignore: {below: 7GB, above: 1TB, older: 14m, younger: 5s, names: ["test_*"]}
    take: {one_in: 10, first_of_run: 2}
    waiting: {at_most: 20, then: drop_newest}
    env: {DUNETPCVER: v07_13_01, VERSION: 1.10, P3S_NEVENTS: 3}
    jobs:
      monitor: {payload: /p3s/monitor.sh, needs: {cores: 2, memory: 4GB}, time_limit: 3h}
      evdisp: {payload: ./evdisp.sh --fast, one_in: 1, priority: 9, env: {A: "b"}}
    gather: {summary: {payload: ./merge.py, of: monitor, by: run, every: 20, or_after: 5m, at_run_end: true}}
    scan: {every: 15s, at_most: 5, order: newest}
    sidecar: {name: "{stem}.json", wait: 1m}
    checksum: true
    datatype: ROOT
    input_after: {move_to: ../used}
  calib:
    files: calib/c{run:d}.dat
    workflow: calib
    parameters: {events: 10}
"""


def written(directory: Path, text: str) -> Path:
    path = directory / "streams.yaml"
    path.write_text(text)
    return path


@pytest.fixture
def whole(tmp_path: Path) -> StreamFile:
    return read(written(tmp_path, WHOLE))


def test_every_field_of_a_stream_is_read(whole: StreamFile, tmp_path: Path) -> None:
    np04, calib = whole.streams
    assert np04.place == Place("/eos/np04/input", "storage.example")
    assert np04.pattern.text == "np04_raw_run{run:d}_{subrun:d}_dl{dl:d}.root"
    rules = np04.rules
    assert rules.complete == Complete(marker=Beside("{name}.done"))
    assert (rules.ignore.below, rules.ignore.above) == (Bound(7e9, "7GB"), Bound(1e12, "1TB"))
    assert (rules.ignore.older, rules.ignore.younger) == (Bound(840, "14m"), Bound(5, "5s"))
    assert [pattern.text for pattern in rules.ignore.names] == ["test_*"]
    assert (rules.scan.every_s, rules.scan.at_most, rules.scan.newest_first) == (15.0, 5, True)
    assert rules.sidecar == Sidecar(Beside("{stem}.json"), 60.0)
    assert rules.checksum
    assert rules.after == After("move", "/eos/np04/used")
    assert np04.datatype == "ROOT"
    assert calib.place == Place(str(tmp_path / "calib"))
    assert (calib.spec.workflow, calib.spec.parameters, calib.spec.jobs) == ("calib", {"events": 10}, {})


def test_what_the_server_is_told_of_a_stream(whole: StreamFile, tmp_path: Path) -> None:
    spec = whole.streams[0].spec
    assert spec.take == Take(10, 2)
    assert spec.waiting == Waiting(20, "drop_newest")
    assert spec.env == {"DUNETPCVER": "v07_13_01", "VERSION": "1.10", "P3S_NEVENTS": "3"}
    assert spec.jobs["monitor"] == StreamJob("/p3s/monitor.sh", {}, None, 10800.0, None, Needs(2, 4 * 10**9))
    assert spec.jobs["evdisp"] == StreamJob(f"{tmp_path}/evdisp.sh --fast", {"A": "b"}, 9, None, 1)
    assert spec.gather["summary"] == Gather(f"{tmp_path}/merge.py", "monitor", "run", 20, 300.0, True)


def test_what_else_a_file_sets(whole: StreamFile) -> None:
    monitor = whole.jobtypes["monitor"]
    assert (monitor["cap"], monitor["eta"], monitor["expects"]) == (40, 600.0, ("TPC monitor", "Hits"))
    assert whole.dimensions == [DimensionSpec("apa", ("3", "2", "1", "5", "6", "4"), {"3": "APA3 RaS-US"})]
    assert whole.limits == [LimitSpec("Purity", "lifetime", (0.3, None), (0.1, None), (0.2, 0.5))]


def test_a_minimal_stream_rests_two_seconds_and_makes_one_job(tmp_path: Path) -> None:
    text = 'streams: {evdisp: {files: "raw/run{run:d}_{subrun:d}.root", payload: ./evdisp.sh}}'
    [stream] = read(written(tmp_path, text)).streams
    assert (stream.rules.complete, stream.rules.after) == (Complete(2.0), After())
    assert list(stream.spec.jobs) == ["evdisp"]
    found = dataset_of(stream, "run7_3.root")
    assert found is not None
    assert (found.url, found.run, found.subrun) == (f"{tmp_path}/raw/run7_3.root", 7, 3)
    assert dataset_of(stream, ".run7_3.root") is None


def test_a_description_of_2018_is_a_job_as_it_is_and_what_stands_beside_it_wins(tmp_path: Path) -> None:
    env = {"P3S_INPUT_DIR": "/data/input/", "P3S_INPUT_FILE": "none", "N": "10"}
    entry = {"name": "p", "timeout": "1000", "jobtype": "purity", "priority": "1", "state": "defined", "env": env}
    (tmp_path / "purity.json").write_text(json.dumps([{**entry, "payload": "/p3s/purity.sh"}]))
    text = 'streams: {a: {files: "x{run:d}", jobs: {purity: {from: purity.json, env: {N: 3}, one_in: 5}}}}'
    [stream] = read(written(tmp_path, text)).streams
    job = stream.spec.jobs["purity"]
    assert (job.payload, job.priority, job.time_limit, job.one_in) == ("/p3s/purity.sh", 1, 1000.0, 5)
    assert job.env == {"P3S_INPUT_DIR": "/data/input/", "N": "3", "P3S_INPUT_AS": "name"}


def test_anchors_and_merges_of_yaml_are_understood(tmp_path: Path) -> None:
    text = """
streams:
  a: &base {files: "a{run:d}", payload: x, env: {A: 1}}
  b: {<<: *base, files: "b{run:d}"}
"""
    one, other = read(written(tmp_path, text)).streams
    assert (one.pattern.text, other.pattern.text) == ("a{run:d}", "b{run:d}")
    assert other.spec.env == {"A": "1"}


STREAM = """streams:
  a:
    files: "x{run:d}"
    payload: y
    """

WRONG = {
    "an unknown field": (
        "complte: {rested: 3s}",
        ":5: streams.a.complte: is not a known field; did you mean complete?",
    ),
    "a section": ("env: {A: 1}\nstrems: 1", ":6: strems: is not a known field; did you mean streams?"),
    "a name twice": ("payload: z", ":5: streams.a.payload: stands twice"),
    "a number for a duration": (
        "complete: {rested: 30}",
        "rested: must be a duration like 30s, 20m or 3h, not 30; write 30s",
    ),
    "two ways to be complete": ("complete: {rested: 3s, renamed: true}", ":5: streams.a.complete: must be one of"),
    "renamed: false": ("complete: {renamed: false}", "says nothing when it is false"),
    "a marker without a name": (
        'complete: {marker: "done"}',
        "complete.marker: 'done' is not a name beside the file; write \"{name}.done\"",
    ),
    "a marker that is the file": ('complete: {marker: "{name}"}', "is not a name beside the file"),
    "a marker elsewhere": ('complete: {marker: "../{name}.done"}', "is not a name beside the file"),
    "a size in words": ("ignore:\n      below: big", ":6: streams.a.ignore.below: 'big' is not a size; write 500MB"),
    "an age as a number": ("ignore: {older: 14}", "ignore.older: must be a duration"),
    "a bound that is none": ("ignore: {blow: 7GB}", "did you mean below?"),
    "names that are no list": ('ignore: {names: "x*"}', "ignore.names: must be a list"),
    "one in none": ("take: {one_in: 0}", "take.one_in: must be an integer from 1 to"),
    "a policy": ("waiting: {at_most: 3, then: drop_old}", "did you mean drop_oldest?"),
    "waiting for how many": ("waiting: {then: refuse}", ":5: streams.a.waiting: must say at_most"),
    "a gather of nothing": ("gather: {s: {payload: z, of: b, every: 3}}", "gather.s.of: 'b' is no job of the stream"),
    "a gather that is never made": ("gather: {s: {payload: z, of: a}}", "gather.s: it would never be made"),
    "after use": ("input_after: remove", "input_after: must be leave, delete, {move_to: ../used} or"),
    "moved where it is": ('input_after: {move_to: "."}', "is the watched directory itself"),
    "moved elsewhere": ('input_after: {move_to: "root://h//x"}', "is another storage"),
    "moved and deleted": ("input_after: {move_to: x, delete: true}", "input_after: must be leave, delete"),
    "scanned too often": ("scan: {every: 1ms}", "scan.every: is too often"),
    "an order": ("scan: {order: new}", "did you mean newest?"),
    "checksum": ("checksum: yes please", "checksum: must be true or false"),
    "a setting of the job type": (
        "env: {A: 1}\n  b:\n    files: x\n    jobs: {m: {payload: z, eta: 10m}}",
        "jobs.m.eta: is a setting of the job type; write jobtypes: {m: {eta: ...}}, beside streams",
    ),
    "parameters without a workflow": ("parameters: {a: 1}", "this stream starts none"),
    "a tab": ("\tx", "cannot read"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_told_with_its_line_and_what_to_write(tmp_path: Path, name: str) -> None:
    text, says = WRONG[name]
    with pytest.raises(BadInput) as refused:
        read(written(tmp_path, STREAM + text))
    assert says in str(refused.value)
    assert str(refused.value).replace("cannot read ", "").startswith(f"{tmp_path}/streams.yaml:")


ELSEWHERE = {
    "a limit without an item": (
        "limits: {Purity: {good: [0, 1]}}",
        ":1: limits.Purity: must be named as a category and",
    ),
    "a limit of one number": ("limits: {P/l: {good: [0]}}", "limits.P/l.good: must be two numbers, like [0.3, null]"),
    "a dimension": ("dimensions: {apa: {ordr: [1]}}", "did you mean order?"),
    "a job type": ("jobtypes:\n  m: {capp: 3}", ":2: jobtypes.m.capp: is not a known field; did you mean cap?"),
    "a job type's cap": ("jobtypes:\n  m:\n    cap: -1", ":3: jobtypes.m.cap: must be from 0 to"),
    "a job type's pick": ("jobtypes:\n  m: {pick: newest}", ":2: jobtypes.m.pick: 'newest' is none; use fifo"),
    "a job type's number": ("jobtypes:\n  m: {retries: '2'}", "jobtypes.m.retries: must be a whole number, not '2'"),
    "a job type's yes": ("jobtypes:\n  m: {critical: 1}", "jobtypes.m.critical: must be true or false, not 1"),
    "a job type's duration": ("jobtypes:\n  m:\n    eta: soon", "jobtypes.m.eta: 'soon' is not a duration"),
}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_mistake_in_another_section_has_its_line_too(tmp_path: Path, name: str) -> None:
    text, says = ELSEWHERE[name]
    with pytest.raises(BadInput, match=r"streams\.yaml:") as refused:
        read(written(tmp_path, f"{text}\n{STREAM}"))
    assert says in str(refused.value)


MANY = """\
jobtypes:
  m: {capp: 3, prority: 5}
  n: {cap: -1}
  k: {pick: newest, eta: soon, retries: '2'}
strems: 1
streams:
  a:
    files: "x{run:d}"
    payload: y
    complte: {rested: 3s}
    ignore: {below: big, older: 14}
    take: {one_in: 0}
    checksum: maybe
  b:
    files: /tmp/
    jobs: {m: {payload: z, prio: 3, env: {A: [1]}, one_in: 0}, q: {paylod: x}, r: {payload: z, eta: 10m}}
    gather: {s: {of: x, payload: y, every: 0}, t: {payload: z}}
    scan: {every: 1ms, order: new}
    input_after: remove
  c: {payload: x}
  d: {files: "x{run:d}", payload: x, gather: {s: {payload: z, of: b, every: 3}}, env: {A-B: 1, "C D": 2}}
  e: {files: "x{run:d}", jbos: {m: {payload: x}}}
limits: {Purity: {good: [0, 1]}, P/l: {good: [0], warn: 3}}
dimensions: {apa: {ordr: [1]}}
"""


def test_all_mistakes_of_a_file_are_told_by_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        read(written(tmp_path, MANY))
    assert [one.partition("streams.yaml:")[2][:70].rstrip() for one in refused.value.mistakes] == [
        "2: jobtypes.m.capp: is not a known field; did you mean cap?",
        "2: jobtypes.m.prority: is not a known field; did you mean priority?",
        "3: jobtypes.n.cap: must be from 0 to 1000000, not -1",
        "4: jobtypes.k.eta: 'soon' is not a duration; write 30s, 20m, 3h or 2d",
        "4: jobtypes.k.retries: must be a whole number, not '2'",
        "5: strems: is not a known field; did you mean streams?",
        "10: streams.a.complte: is not a known field; did you mean complete?",
        "11: streams.a.ignore.below: 'big' is not a size; write 500MB, 4GB or 4",
        "11: streams.a.ignore.older: must be a duration like 30s, 20m or 3h, no",
        "12: streams.a.take.one_in: must be an integer from 1 to 1,000,000,000,",
        "13: streams.a.checksum: must be true or false, not 'maybe'",
        '15: streams.b.files: names a directory; say which files in it, like "/',
        "16: streams.b.jobs.m.prio: is not a known field; did you mean priority",
        "16: streams.b.jobs.m.env.A: must be a text or a number, not [1]; write",
        "16: streams.b.jobs.m.one_in: must be an integer from 1 to 1,000,000,00",
        "16: streams.b.jobs.q.paylod: is not a known field; did you mean payloa",
        "16: streams.b.jobs.r.eta: is a setting of the job type; write jobtypes",
        "17: streams.b.gather.s.every: must be an integer from 1 to 1,000,000,0",
        "17: streams.b.gather.t: must say of which job type it gathers the resu",
        "18: streams.b.scan.order: must be newest or oldest, not 'new'; did you",
        "18: streams.b.scan.every: is too often; write 1s or longer",
        "20: streams.c.files: is required, like /data/raw/run{run:d}_{subrun:d}",
        "21: streams.d.env: 'A-B' is not a variable name; use letters, digits a",
        "21: streams.d.gather.s.of: 'b' is no job of the stream; there are d",
        "22: streams.e.jbos: is not a known field; did you mean jobs?",
        "23: limits.Purity: must be named as a category and an item, like Purit",
        "23: limits.P/l.good: must be two numbers, like [0.3, null], not [0]",
        "24: dimensions.apa.ordr: is not a known field; did you mean order?",
    ]


def test_a_file_that_yaml_blows_up_is_refused(tmp_path: Path) -> None:
    lines = ["a: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(BadInput, match="there is too much of this"):
        read(written(tmp_path, "\n".join(lines)))


def test_a_moved_file_must_not_be_found_again(tmp_path: Path) -> None:
    text = 'streams: {a: {files: "raw/{day}/x{run:d}", payload: y, input_after: {move_to: used}}}'
    with pytest.raises(BadInput, match="lies in the watched directory"):
        read(written(tmp_path, text))


GATHERED = {
    "by a key that files lacks": ("x{run:d}", "by: dl", "", "gather.s.by: gathers by dl, and files has no dl"),
    "by run, of files without": ("x{dl:d}", "at_run_end: true", "", "write {run:d} there, or gather by dl"),
    "by subrun": ("x{run:d}", "by: subrun", "", "files has no subrun"),
    "by what a side-car may say": ("x{run:d}", "by: dl", 'sidecar: "{name}.json"', ""),
}


@pytest.mark.parametrize("name", GATHERED)
def test_what_is_gathered_by_is_in_the_names_of_the_files(tmp_path: Path, name: str) -> None:
    files, by, more, says = GATHERED[name]
    gather = f"gather: {{s: {{payload: z, of: a, every: 2, {by}}}}}"
    text = "\n    ".join(["streams:\n  a:", f'files: "{files}"', "payload: y", gather, more])
    if not says:
        assert read(written(tmp_path, text)).streams[0].spec.gather
        return
    with pytest.raises(BadInput, match=r"streams\.yaml:5: ") as refused:
        read(written(tmp_path, text))
    assert says in str(refused.value)
