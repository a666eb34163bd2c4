"""A template and a start become jobs with their files: fan-outs, merges, names, fields, overrides."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.domain.templates import TYPES, UUID, node, plan, template, written

from p3s.domain.workflows.expansion import expand
from p3s.domain.workflows.plan import InputFile, Plan, PlannedNode
from p3s.protocol.errors import BadInput
from p3s.protocol.workflows import NOOP, Datum, DatumChange, Node, NodeChange, Parameter, StartRequest, TemplateSpec

PEDESTALS = template(
    {
        "ped": node("./ped.sh", for_each="inputs"),
        "merge": node("hadd -f $SUM $PED", shell=True, reads={"PED": "ped.PED"}),
    },
    written("ped.PED", "merge.SUM", type="ROOT"),
)


def env(one: PlannedNode) -> dict[str, str]:
    assert one.spec is not None
    return one.spec.env


def refused(spec: TemplateSpec, *inputs: str | InputFile, **more: object) -> str:
    with pytest.raises(BadInput) as caught:
        plan(spec, inputs=inputs, **more)
    return str(caught.value)


# ---- fan-out and merge


def test_each_input_is_a_job_and_the_merge_reads_all() -> None:
    made = plan(PEDESTALS, inputs=("/d/a.dat", "/d/b.dat"))
    first, second, merge = made.nodes
    assert [(one.node, one.index, one.after) for one in made.nodes] == [
        ("ped", 0, ()),
        ("ped", 1, ()),
        ("merge", None, (0, 1)),
    ]
    assert first.spec is not None
    assert second.spec is not None
    assert merge.spec is not None
    assert (first.spec.name, merge.spec.name) == ("calib/ped[0]", "calib/merge")
    assert (first.spec.input, second.spec.input, merge.spec.input) == ("/d/a.dat", "/d/b.dat", "")
    assert env(first) == {"PED": "/w/0a1b2c3d-ped-0-PED.root"}
    assert env(merge) == {
        "P3S_EXECMODE": "SHELL",
        "PED": "/w/0a1b2c3d-ped-0-PED.root /w/0a1b2c3d-ped-1-PED.root",
        "SUM": "/w/0a1b2c3d-merge-SUM.root",
    }
    assert [file.path for file in merge.inputs] == env(merge)["PED"].split()
    assert [(file.datum, file.variable, file.path) for file in first.inputs] == [("", "P3S_INPUT_PATH", "/d/a.dat")]
    assert made.notes == []


def test_nodes_that_fan_out_over_the_same_are_joined_one_to_one() -> None:
    spec = template(
        {
            "decode": node(for_each="inputs"),
            "fit": node(for_each="decode", reads={"RAW": "decode.RAW"}),
            "plot": node(for_each="inputs", reads={"FIT": "fit.FIT"}),
        },
        written("decode.RAW", "fit.FIT"),
    )
    made = plan(spec, inputs=("/a", "/b"))
    assert [(one.node, one.after) for one in made.nodes] == [
        ("decode", ()),
        ("decode", ()),
        ("fit", (0,)),
        ("fit", (1,)),
        ("plot", (2,)),
        ("plot", (3,)),
    ]
    assert env(made.nodes[5])["FIT"] == env(made.nodes[3])["FIT"]
    assert made.nodes[3].spec is not None
    assert made.nodes[3].spec.input == "/b", "what is made for an input's own is made for that input"


def test_a_list_fans_out_and_crosses_with_the_inputs_by_merging() -> None:
    spec = template(
        {
            "apa": node(values=["1", "2", "3"], env={"APA": "{value}", "I": "{index}"}),
            "all": node(for_each="inputs", reads={"MAPS": "apa.MAP"}),
        },
        written("apa.MAP"),
    )
    made = plan(spec, inputs=("/a", "/b"))
    assert [env(one)["APA"] for one in made.nodes[:3]] == ["1", "2", "3"]
    assert env(made.nodes[2])["I"] == "2"
    assert [one.after for one in made.nodes[3:]] == [(0, 1, 2), (0, 1, 2)]


def test_a_list_can_be_a_parameter() -> None:
    spec = template(
        {"apa": node(values=["{apas}", "all-{tag}"], env={"APA": "{value}"})},
        parameters={"apas": Parameter("list", ["1"]), "tag": Parameter(default="x")},
    )
    assert [env(one)["APA"] for one in plan(spec, parameters={"apas": "3,4"}).nodes] == ["3", "4", "all-x"]


def test_a_job_can_read_the_inputs_themselves() -> None:
    spec = template({"all": node(reads={"FILES": "inputs"}), "each": node(for_each="inputs", reads={"F": "inputs"})})
    made = plan(spec, inputs=("/a", "file:///b"))
    assert [env(one) for one in made.nodes] == [{"FILES": "/a /b"}, {"F": "/a"}, {"F": "/b"}]


def test_what_follows_a_fan_out_waits_for_its_own_even_without_a_file() -> None:
    made = plan(template({"a": node(values=["x", "y"]), "b": node(for_each="a")}))
    assert [one.after for one in made.nodes] == [(), (), (0,), (1,)]


def test_a_node_waits_for_others_without_reading_what_they_write() -> None:
    spec = template(
        {"a": node(values=["x", "y"]), "b": node(for_each="a", after=["a"]), "end": node(after=["b", "a"])},
    )
    assert [one.after for one in plan(spec).nodes] == [(), (), (0,), (1,), (2, 3, 0, 1)]


def test_more_jobs_than_at_most_are_refused() -> None:
    spec = template({"ped": node(for_each="inputs", at_most=2)})
    assert len(plan(spec, inputs=("/a", "/b")).nodes) == 2
    said = refused(spec, "/a", "/b", "/c")
    assert "nodes.ped: one job for each input is 3 jobs, and at_most allows 2" in said


def test_no_input_to_fan_out_over_is_refused() -> None:
    assert "nodes.ped: makes one job for each input, and none is given" in refused(PEDESTALS)


def test_no_input_to_read_is_refused() -> None:
    assert "nodes.a: reads the inputs, and none is given" in refused(template({"a": node(reads={"F": "inputs"})}))


def test_inputs_that_no_node_reads_are_noted_and_doubles_are_taken_once() -> None:
    made = plan(template({"a": node()}), inputs=("/a", "/a"))
    assert made.notes == ["1 inputs were named twice; each is taken once", "no node reads the inputs"]


def test_very_many_jobs_and_links_are_refused() -> None:
    inputs = tuple(f"/{i}" for i in range(6_000))
    spec = template({name: node(for_each="inputs", at_most=6_000) for name in ("a", "b")})
    assert "more than 10000 jobs" in refused(spec, *inputs)
    crossed = template(
        {"a": node(values=["{v}"]), "b": node(for_each="inputs", reads={"X": "a.X"})},
        written("a.X"),
        {"v": Parameter("list")},
    )
    said = refused(crossed, *inputs[:500], parameters={"v": [str(i) for i in range(500)]})
    assert "would wait for more than 100000 files and ends; let a node in between merge them" in said


# ---- variables


def test_paths_with_blanks_cannot_be_joined_but_stand_alone() -> None:
    spec = template({"all": node(reads={"FILES": "inputs"})})
    assert env(plan(spec, inputs=("/a b",)).nodes[0]) == {"FILES": "/a b"}
    assert (
        "2 paths are joined by blanks, and '/a b' has one in it; write FILES: {list: ...}, and $FILES is a file"
        in refused(spec, "/a b", "/c")
    )


def test_more_paths_than_a_variable_holds_are_refused() -> None:
    spec = template({"all": node(reads={"FILES": "inputs"})})
    inputs = tuple(f"/{'x' * 100}{i}" for i in range(1_000))
    assert "nodes.all.in.FILES: the paths of 1000 files are more than a variable holds" in refused(spec, *inputs)


def test_a_list_holds_any_path_and_as_many_as_there_are() -> None:
    spec = template(
        {"all": node(reads={"FILES": "inputs", "ONE": "a.X"}, lists=["FILES"]), "a": node()}, written("a.X")
    )
    inputs = ("/a b", *(f"/{'x' * 100}{i}" for i in range(2_000)))
    found = env(plan(spec, inputs=inputs).nodes[-1])
    assert found["FILES"].split("\n") == list(inputs)
    assert (found["P3S_LISTS"], found["ONE"]) == ("FILES", "/w/0a1b2c3d-a-X.txt")
    assert "are more than a variable holds" in refused(spec, *(f"/{'x' * 1_400}{i}" for i in range(1_500)))


def test_files_win_over_the_environment_a_node_says() -> None:
    spec = template({"a": node(env={"OUT": "here.txt", "N": "1"})}, written("a.OUT"))
    assert env(plan(spec).nodes[0]) == {"OUT": "/w/0a1b2c3d-a-OUT.txt", "N": "1"}


def test_the_job_has_what_the_node_says() -> None:
    spec = template({"a": node("./x.sh", jobtype="calib", priority=7, time_limit=60.0, on_failure="continue")})
    one = plan(spec, name="tuesday").nodes[0]
    assert one.spec is not None
    assert (one.spec.name, one.spec.jobtype, one.spec.priority, one.spec.time_limit) == ("tuesday/a", "calib", 7, 60.0)
    assert one.on_failure == "continue"


# ---- names


def named(**more: object) -> TemplateSpec:
    return template({"a": node(for_each="inputs")}, written("a.OUT", **more))


def path(spec: TemplateSpec, *inputs: str | InputFile, **more: object) -> str:
    return plan(spec, inputs=inputs or ("/d/run7.raw.root",), **more).nodes[-1].outputs[0].path


@pytest.mark.parametrize(
    ("datum", "expected"),
    [
        ({}, "/w/0a1b2c3d-a-0-OUT.txt"),
        ({"type": ""}, "/w/0a1b2c3d-a-0-OUT"),
        ({"type": "CSV"}, "/w/0a1b2c3d-a-0-OUT.csv"),
        ({"name": "x.dat"}, "/w/x.dat"),
        ({"name": "inherit:{input}"}, "/w/run7.raw.txt"),
        ({"name": "inherit:sample.root"}, "/w/sample.txt"),
        ({"name": "inherit:sample.v2"}, "/w/sample.v2.txt"),
        ({"name": "x.dat", "dirpath": "/eos/here/"}, "/eos/here/x.dat"),
        ({"name": "x.dat", "dirpath": "sub/./dir"}, "/w/sub/dir/x.dat"),
        ({"dirpath": "/"}, "/0a1b2c3d-a-0-OUT.txt"),
        ({"path": "out/{index}.txt"}, "/w/out/0.txt"),
        ({"path": "/abs/../there/{input}"}, "/there/run7.raw"),
        ({"path": "root://eos.example//x/{node}.root"}, "root://eos.example//x/a.root"),
        ({"name": "x.dat", "sticky": False}, "/w/0a1b2c3d-a-0-OUT.txt"),
        ({"name": "{{x}}"}, "/w/{x}"),
    ],
)
def test_where_a_file_lies(datum: dict[str, object], expected: str) -> None:
    assert path(named(**datum)) == expected


def test_a_start_says_how_names_are_made() -> None:
    graph = named(name="x.dat", sticky=False)
    assert path(graph, names="sticky") == "/w/x.dat"
    assert path(graph, names="inherit:run7.root") == "/w/run7.txt"
    assert path(named(name="x.dat"), names="inherit:run7.root") == "/w/x.dat", "a template's own name stays"
    for wrong in ("inherit:", "stick", "inherited"):
        assert f"names: {wrong!r} is no policy" in refused(named(), "/a", names=wrong)


def test_the_name_of_another_datum_is_inherited() -> None:
    spec = template(
        {"a": node(for_each="inputs"), "b": node(for_each="a", reads={"X": "a.X"})},
        {**written("a.X", name="{input}.first.root"), **written("b.Y", name="inherit:a.X")},
    )
    made = plan(spec, inputs=("/d/r1.root", "/d/r2.root"))
    assert [one.outputs[0].path for one in made.nodes[2:]] == ["/w/r1.first.txt", "/w/r2.first.txt"]


def test_a_name_of_many_or_of_later_cannot_be_inherited() -> None:
    many = template(
        {"a": node(values=["1", "2"]), "b": node(reads={"X": "a.X"})},
        {**written("a.X"), **written("b.Y", name="inherit:a.X")},
    )
    assert "b cannot inherit the name of a.X, which is 2 files" in refused(many)
    later = template(
        {"a": node(), "b": node(reads={"X": "a.X"})}, {**written("a.X", name="inherit:b.Y"), **written("b.Y")}
    )
    assert "a cannot inherit the name of b.Y, which is written by or after it" in refused(later)


@pytest.mark.parametrize(
    ("datum", "said"),
    [
        ({"path": "../x"}, "data.a.OUT.path: '../x' leads out of the workflow's directory"),
        ({"path": "x/../../y"}, "leads out of"),
        ({"path": "{p}/x"}, "leads out of"),
        ({"dirpath": "..", "name": "x"}, "data.a.OUT.dirpath: '..' leads out of"),
        ({"name": "a/b"}, "'a/b' is no file name; write path: for one in a directory"),
        ({"name": "{p}"}, "'..' is no file name"),
        ({"name": "{input}{input}"}, "is no file name"),
        ({"type": "ROOTS"}, "data.a.OUT.type: the server does not know the data type 'ROOTS'; did you mean ROOT?"),
        ({"type": "XYZ"}, "the server does not know the data type 'XYZ': p3s datatype add XYZ"),
        ({"name": "{run}"}, "{run} has no value here: the inputs do not say one run; start it with one (--run 4610)"),
        ({"name": "{keys.dl}"}, "{keys.dl} has no value here: no input has this key"),
        ({"name": "{value}"}, "the node is not made for one text of a list; write for_each: [a, b]"),
        ({"name": "{p:03d}"}, "data.a.OUT.name: {p} is no whole number; leave its :3d out"),
    ],
)
def test_a_file_that_cannot_lie_there_is_refused(datum: dict[str, object], said: str) -> None:
    spec = template({"a": node(for_each="inputs")}, written("a.OUT", **datum), {"p": Parameter(default="..")})
    assert said in refused(spec, f"/d/{'x' * 130}.root")


def test_two_jobs_that_would_write_one_file_are_refused() -> None:
    said = refused(named(name="x.dat"), "/a", "/b")
    assert "'/w/x.dat' is a[0]'s OUT already" in said
    assert "a {field} like {index} or {input} in its name tells them apart" in said
    two = template({"a": node()}, {**written("a.X", name="a"), **written("a.Y", path="./{node}")})
    assert "'/w/a' is a's X already" in refused(two)


@pytest.mark.parametrize("path", ["/raw/./x", "//raw/x", "file:///raw/x"])
def test_an_input_is_not_written_over_under_another_name(path: str) -> None:
    spec = template({"a": node(reads={"IN": "inputs"})}, {"a.OUT": Datum("a", "OUT", path=path)})
    assert "is an input of the workflow" in refused(spec, "/y/../raw/x")


def test_an_input_is_not_written_over() -> None:
    spec = template({"a": node(for_each="inputs")}, written("a.OUT", name="x.dat", dirpath="/d"))
    assert "data.a.OUT: '/d/x.dat' is an input of the workflow" in refused(spec, "/d/x.dat")


def test_one_file_on_two_edges_is_one_output() -> None:
    spec = template(
        {"a": node(), "b": node(reads={"X": "a:b"}), "c": node(reads={"X": "a:c"})},
        {"a:b": Datum("a", "X", "TXT"), "a:c": Datum("a", "X", "TXT")},
    )
    first, *readers = plan(spec).nodes
    assert [file.path for file in first.outputs] == ["/w/0a1b2c3d-a-X.txt"]
    assert [env(one) for one in readers] == [{"X": "/w/0a1b2c3d-a-X.txt"}] * 2


def test_an_edge_moved_away_from_its_twin_is_refused() -> None:
    spec = template(
        {"a": node(), "b": node(reads={"X": "a:b"}), "c": node(reads={"X": "a:c"})},
        {"a:b": Datum("a", "X", "TXT"), "a:c": Datum("a", "X", "TXT")},
    )
    assert "a would write it and a:b under one variable, X" in refused(spec, data={"a:c": DatumChange(name="y")})


# ---- noop


def test_what_a_noop_names_is_there_and_is_passed_on() -> None:
    spec = template(
        {
            "source": Node("", "noop"),
            "filter": node(reads={"IN": "source:filter"}),
            "sink": node(reads={"O": "filter:sink"}),
        },
        {
            "source:filter": Datum("source", "IN", "TXT", "input.txt", dirpath="/afs/m/", sticky=False),
            "filter:sink": Datum("filter", "O", "TXT", "output.txt", dirpath="/afs/m/", sticky=False),
        },
    )
    source, filtered, sink = plan(spec).nodes
    assert source.spec is None
    assert [file.path for file in source.outputs] == ["/afs/m/input.txt"]
    assert filtered.after == (0,)
    assert env(filtered) == {"IN": "/afs/m/input.txt", "O": "/afs/m/0a1b2c3d-filter-O.txt"}
    assert sink.after == (1,)
    assert "'/afs/m/input.txt' is source's IN already" in refused(spec, names="inherit:input.txt")


def test_a_noop_s_file_needs_a_name() -> None:
    spec = template({"s": Node("", "noop")}, written("s.X"))
    assert "data.s.X: s is a noop, nobody writes it, so it needs a name or a path" in refused(spec)


def test_a_payload_for_a_noop_is_noted() -> None:
    made = plan(template({"s": Node("", "noop")}), nodes={"s": NodeChange(payload="/bin/date")})
    assert made.nodes[0].spec is None
    assert made.notes == ["s is a noop: its payload is not run"]


# ---- numbers, parameters, overrides


def test_run_and_keys_are_the_input_s_own_else_what_all_share() -> None:
    spec = template(
        {
            "a": node(for_each="inputs", env={"R": "{run:06d}-{subrun} {keys.dl}"}),
            "m": node(reads={"X": "a.X"}),
        },
        {**written("a.X"), **written("m.Y", path="run{run}.root")},
    )
    one, two = InputFile("/1", run=7, subrun=1, keys={"dl": 5}), InputFile("/2", run=7, subrun=2, keys={"dl": 5})
    made = plan(spec, inputs=(one, two))
    assert [env(each)["R"] for each in made.nodes[:2]] == ["000007-1 5", "000007-2 5"]
    assert env(made.nodes[2])["Y"] == "/w/run7.root"
    assert [(each.run, each.subrun) for each in made.nodes] == [(7, 1), (7, 2), (7, None)]
    assert (made.run, made.subrun, made.keys) == (7, None, {"dl": 5})
    assert plan(spec, inputs=(one, two), run=8).nodes[2].run == 8
    bare = InputFile("/4", subrun=4, keys={"dl": 5})
    assert [(each.run, each.subrun) for each in plan(spec, inputs=(bare,), run=8, subrun=9).nodes] == [(8, 4), (8, 9)]
    other = InputFile("/3", run=9, subrun=1, keys={"dl": 5})
    assert "data.m.Y: {run} has no value here" in refused(spec, one, other)


def test_the_only_input_is_known_to_every_node() -> None:
    spec = template({"a": node(reads={"F": "inputs"})}, written("a.X", name="inherit:{input}"))
    assert path(spec, "/d/r7.root") == "/w/r7.txt"
    assert "{input} has no value here: the node is not made for one input" in refused(spec, "/d/1", "/d/2")


PARAMETERS = template(
    {"a": node(env={"ALL": "{release} {events} {gain} {fast}"})},
    parameters={
        "release": Parameter(choices=["v7", "v8"]),
        "events": Parameter("int", 10, min=1, max=100),
        "gain": Parameter("float", 0.5),
        "fast": Parameter("bool", False),
    },
)


def test_parameters_are_filled_in_by_their_type() -> None:
    def filled(**given: object) -> str:
        return env(plan(PARAMETERS, parameters=given).nodes[0])["ALL"]

    assert filled(release="v7") == "v7 10 0.5 false"
    assert filled(release="v8", events="20", gain=2, fast="yes") == "v8 20 2.0 true"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "parameters: release must be given: -p release=VALUE"),
        ({"release": "v7", "event": 1}, "the template has no 'event'; did you mean events?"),
        ({"release": "v9"}, "parameters.release: 'v9' is none of its choices: v7, v8"),
        ({"release": "v7", "events": 0}, "parameters.events: must be at least 1, not 0"),
        ({"release": "v7", "events": 101}, "must be at most 100, not 101"),
        ({"release": "v7", "events": 1.5}, "parameters.events: must be a whole number like 10, not 1.5"),
        ({"release": "v7", "events": True}, "must be a whole number"),
        ({"release": "v7", "gain": "nan"}, "parameters.gain: must be a number like 0.5"),
        ({"release": "v7", "fast": 1}, "parameters.fast: must be true or false"),
        ({"release": "v7\n"}, "parameters.release: must be a text"),
        ({"release": ["v7"]}, "parameters.release: must be a text"),
    ],
)
def test_parameters_that_cannot_be_are_refused(given: dict[str, object], said: str) -> None:
    assert said in refused(PARAMETERS, parameters=given)


def test_a_start_changes_nodes_and_data() -> None:
    spec = template({"a": node("./a.sh", env={"N": "1", "M": "1"})}, written("a.X", path="out/x.txt"))
    change = NodeChange(payload="./b.sh", env={"N": "2"}, priority=9, time_limit=5.0)
    made = plan(spec, nodes={"a": change}, data={"a.X": DatumChange(dirpath="/there", comment="mine")})
    one = made.nodes[0]
    assert one.spec is not None
    assert (one.spec.payload, one.spec.priority, one.spec.time_limit) == ("./b.sh", 9, 5.0)
    assert env(one) == {"N": "2", "M": "1", "X": "/there/x.txt"}
    assert one.outputs[0].comment == "mine"
    assert path(spec, data={"a.X": DatumChange(name="y")}) == "/w/out/y"
    assert path(spec, data={"a.X": DatumChange(path="/z")}) == "/z"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"nodes": {"fitler": NodeChange()}}, "the template has no node 'fitler'; did you mean filter?"),
        ({"data": {"filter.OUR": DatumChange()}}, "nobody writes 'filter.OUR'; did you mean filter.OUT?"),
        ({"data": {"filter.OUT": DatumChange(name="a", path="b")}}, "has a path and a name"),
        ({"data": {"filter.OUT": DatumChange(name="{rum}")}}, "there is no field {rum}; did you mean run?"),
        ({"nodes": {"filter": NodeChange(payload=" ")}}, "nodes.filter.payload: is empty"),
        ({"nodes": {"filter": NodeChange(env={"A B": ""})}}, "'A B' is not a variable name"),
    ],
)
def test_changes_that_cannot_be_are_refused(more: dict[str, object], said: str) -> None:
    assert said in refused(template({"filter": node()}, written("filter.OUT")), **more)


def test_a_change_of_an_edge_means_all_its_parallels_and_a_finer_name_one() -> None:
    spec = template(
        {"split": node(), "join": node(reads={"ONE": "split:join:ONE", "TWO": "split:join:TWO"})},
        {"split:join:ONE": Datum("split", "ONE"), "split:join:TWO": Datum("split", "TWO")},
    )
    both = plan(spec, data={"split:join": DatumChange(dirpath="/d")}).nodes[0]
    assert env(both) == {"ONE": "/d/0a1b2c3d-split-ONE", "TWO": "/d/0a1b2c3d-split-TWO"}
    one = plan(spec, data={"split:join:TWO": DatumChange(name="two")}).nodes[0]
    assert env(one) == {"ONE": "/w/0a1b2c3d-split-ONE", "TWO": "/w/two"}


def test_a_directory_is_absolute() -> None:
    with pytest.raises(BadInput, match="directory: must be an absolute path, not 'here'"):
        expand(PEDESTALS, StartRequest("x"), workflow=UUID, directory="here", inputs=[], extensions=TYPES)


# ---- any graph


@st.composite
def graphs(draw: st.DrawFn) -> tuple[TemplateSpec, int]:
    """Random layers: each node reads some data of earlier ones, fans out or follows; in any order of writing down."""
    count = draw(st.integers(1, 12))
    nodes: dict[str, Node] = {}
    data: dict[str, Datum] = {}
    for number in range(count):
        name = f"n{number}"
        reads = draw(st.lists(st.sampled_from(sorted(data)), max_size=3, unique=True)) if data else []
        fans = [one for one, node in nodes.items() if node.for_each or node.values]
        fan = draw(st.sampled_from(["", "inputs", "list", *fans]))
        noop = draw(st.booleans()) and draw(st.booleans())
        nodes[name] = node(
            "" if noop else "/bin/true",
            jobtype="noop" if noop else "t",
            reads={f"IN{place}": one for place, one in enumerate(reads)},
            for_each="" if fan == "list" else fan,
            values=["p", "q"] if fan == "list" else [],
            on_failure=draw(st.sampled_from(["stop", "skip", "continue"])),
        )
        for place in range(draw(st.integers(0, 2))):
            data[f"{name}.V{place}"] = Datum(name, f"V{place}", path=f"/there/{name}/{place}" if noop else "")
    names = draw(st.permutations(sorted(nodes)))
    return template({name: nodes[name] for name in names}, data), draw(st.integers(1, 4))


def holds(spec: TemplateSpec, made: Plan) -> None:
    """What every plan keeps to."""
    writers: dict[str, set[int]] = {}
    assert {one.node for one in made.nodes} == set(spec.nodes)
    assert len({(one.node, one.index) for one in made.nodes}) == len(made.nodes)
    for place, one in enumerate(made.nodes):
        assert all(before < place for before in one.after)
        assert len(set(one.after)) == len(one.after)
        assert (one.spec is None) == (spec.nodes[one.node].jobtype == "noop")
        for file in one.inputs:
            if file.datum:
                assert writers[file.path] & set(one.after), "what is read was written, and is waited for"
        for file in one.outputs:
            if one.spec is not None:
                assert file.path not in writers
            writers.setdefault(file.path, set()).add(place)
    jobs = [one.spec.name for one in made.nodes if one.spec is not None]
    assert len(jobs) == len(set(jobs))


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_any_graph_becomes_a_plan_in_which_nothing_is_read_before_it_is_written(case: tuple[TemplateSpec, int]) -> None:
    spec, count = case
    holds(spec, plan(spec, inputs=tuple(f"/in/{number}" for number in range(count))))


def test_two_thousand_jobs_are_planned() -> None:
    inputs = tuple(f"/data/raw/run{number}.root" for number in range(999))
    spec = template(
        {
            "decode": node(for_each="inputs", env={"N": "{run}-{input}"}),
            "fit": node(for_each="decode", reads={"RAW": "decode.RAW"}),
            "sum": node(reads={"FIT": "fit.FIT"}),
        },
        written("decode.RAW", "fit.FIT", "sum.SUM", type="ROOT"),
    )
    made = plan(spec, inputs=inputs, run=7)
    assert len(made.nodes) == 1_999
    assert env(made.nodes[-1])["FIT"].split() == [one.outputs[0].path for one in made.nodes[999:-1]]
    assert env(made.nodes[998])["N"] == "7-run998"


def test_the_more_particular_environment_wins() -> None:
    """The template's is for those who say nothing else, a stream's for all that it starts, a node's for itself."""
    spec = template({"a": node(env={"OWN": "{run}", "BOTH": "node"}), "in": Node("", NOOP)})
    spec = replace(spec, env={"DEFAULT": "{workflow}", "STREAM": "template", "BOTH": "template", "OWN": "{value}"})
    made = plan(spec, run=7, env={"STREAM": "{as written}", "BOTH": "stream", "MORE": "1"})
    (found,) = [env(one) for one in made.nodes if one.spec is not None]
    assert found == {"DEFAULT": UUID, "STREAM": "{as written}", "BOTH": "node", "OWN": "7", "MORE": "1"}
