"""Templates of all kinds, for what must keep whatever a template says."""

import string

from hypothesis import strategies as st

from p3s.protocol.messages import Needs
from p3s.protocol.workflows import Datum, Node, Parameter, TemplateSpec

RICH = TemplateSpec(
    "rich",
    {
        "in": Node("", "noop"),
        "a": Node(
            "awk '{print}' <$IN & \"x\"\n\ttwo\r",
            "t",
            {"R": "{release} {{x}} é"},
            time_limit=1.5,
            needs=Needs(cores=2, tags=("cvmfs",)),
            inputs={"IN": ["in.G"], "F": ["inputs"]},
            for_each="inputs",
            at_most=5,
            on_failure="continue",
        ),
        "b": Node("x", shell=True, for_each="a"),
        "c": Node("y", inputs={"ALL": ["a.X", "a.Y"], "X": ["a.X"]}, after=["b"], values=[" 1", "2"]),
        "end": Node("z", priority=3),
    },
    {
        "in.G": Datum("in", "G", path="/there/geo.root"),
        "a.X": Datum("a", "X", "ROOT", "inherit:{input}", comment="one\ntwo"),
        "a.Y": Datum("a", "Y", path="merged/{run:06d}.root", keep=60.0),
        "c.Z": Datum("c", "Z", "CSV"),
    },
    {"release": Parameter(default="v7", choices=["v7", "v8"]), "n": Parameter("int", 3, 1.0)},
    comment="What <it> is\nfor",
    env={"LEVEL": "{n}", "R": "all"},
)


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), max_size=12)
WORD = st.text(string.ascii_letters, min_size=1, max_size=6)


@st.composite
def templates(draw: st.DrawFn, sticky: bool | None = None) -> TemplateSpec:
    """Any that pass `check`: every field may be set."""
    names = draw(st.lists(WORD.filter(lambda word: word != "inputs"), min_size=1, max_size=5, unique=True))
    nodes: dict[str, Node] = {}
    data: dict[str, Datum] = {}
    for name in names:
        reads = draw(st.lists(st.sampled_from(["inputs", *data]), max_size=3, unique=True))
        fans = [one for one, node in nodes.items() if node.for_each or node.values]
        fan = draw(st.sampled_from(["", "inputs", *fans]))
        followed = {fan} | {data[one].node for one in reads if one != "inputs"}
        nodes[name] = Node(
            "x" + draw(TEXT),
            draw(st.sampled_from(["", "t"])),
            {
                variable: value.replace("{", "{{").replace("}", "}}")
                for variable, value in draw(st.dictionaries(WORD, TEXT)).items()
            },
            draw(st.none() | st.integers(-9, 9)),
            draw(st.none() | st.sampled_from([0.0, 1.5, 60.0])),
            draw(st.builds(Needs, cores=st.integers(1, 3), tags=st.just(("a",)))),
            draw(st.booleans()),
            {f"IN{place}": [one] for place, one in enumerate(reads)},
            ["IN0"] if reads and draw(st.booleans()) else [],
            fan,
            [] if fan else draw(st.lists(WORD, max_size=2)),
            draw(st.integers(1, 9)),
            [
                one
                for one in draw(st.lists(st.sampled_from(names), unique=True))
                if one in nodes and one not in followed
            ],
            draw(st.sampled_from(["stop", "skip", "continue"])),
        )
        for place in range(draw(st.integers(0, 2))):
            safe = TEXT.map(lambda text: text.replace("{", "{{").replace("}", "}}"))
            own = f"{name}-{place}" + ("-{index}" if fan or nodes[name].values else "")
            where = draw(
                st.sampled_from([{}, {"path": "p/{run}"}, {"name": own}, {"dirpath": "/d", "name": "{index}"}])
            )
            keep = draw(st.none() | st.just(5.0))
            data[f"{name}.V{place}"] = Datum(
                name,
                f"V{place}",
                draw(st.sampled_from(["", "TXT"])),
                comment=draw(safe),
                keep=keep,
                sticky=draw(st.booleans()) if sticky is None else sticky,
                **where,
            )
    return TemplateSpec(draw(WORD), nodes, data, {"p": Parameter(default=draw(TEXT))}, draw(TEXT))
