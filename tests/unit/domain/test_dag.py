"""What cannot be a template is told by name, with what to write instead."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.domain.templates import node, template, written

from p3s.domain.workflows.dag import check, order
from p3s.protocol.errors import BadInput
from p3s.protocol.messages import Needs
from p3s.protocol.workflows import Datum, Node, Parameter, TemplateSpec


def refused(spec: TemplateSpec) -> str:
    with pytest.raises(BadInput) as caught:
        check(spec)
    return str(caught.value)


def test_a_chain_is_good_and_comes_in_order() -> None:
    spec = template(
        {"merge": node(reads={"A": "ped.A"}), "ped": node()},
        written("ped.A"),
    )
    check(spec)
    assert order(spec) == ["ped", "merge"]


def test_a_cycle_is_named() -> None:
    spec = template(
        {"a": node(reads={"X": "b.X"}), "b": node(reads={"Y": "c.Y"}), "c": node(reads={"Z": "a.Z"})},
        written("a.Z", "b.X", "c.Y"),
    )
    assert "a -> c -> b -> a is a cycle" in refused(spec)


def test_a_node_that_waits_for_itself_is_a_cycle() -> None:
    spec = template({"a": node(reads={"X": "a.Y"})}, written("a.Y"))
    assert "a -> a is a cycle" in refused(spec)


def test_following_each_other_s_fan_out_is_a_cycle() -> None:
    spec = template({"a": node(for_each="b"), "b": node(for_each="a")})
    assert "is a cycle" in refused(spec)


def test_waiting_for_each_other_is_a_cycle() -> None:
    assert "a -> b -> a is a cycle" in refused(template({"a": node(after=["b"]), "b": node(after=["a"])}))


def one(**more: Any) -> TemplateSpec:
    return template({"a": node(**more)}, written("a.OUT"))


def datum(**more: Any) -> TemplateSpec:
    return template({"a": node()}, {"a.OUT": Datum("a", "OUT", **more)})


def parameter(**more: Any) -> TemplateSpec:
    return template({"a": node()}, parameters={"n": Parameter(**more)})


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (template({}), "nodes: there is none"),
        (replace(template({"a": node()}), name="../x"), "'../x' is no template's name"),
        (template({f"n{i}": node() for i in range(2_001)}), "there are 2001, at most 2000"),
        (template({"a b": node()}), "nodes.a b: 'a b' is no node's name"),
        (template({"inputs": node()}), "take another name"),
        (one(payload=" "), "nodes.a.payload: is empty"),
        (one(priority=2_000), "nodes.a.priority: must be from -1000 to 1000"),
        (one(time_limit=-1.0), "nodes.a.time_limit"),
        (one(env={"A-B": "x"}), "'A-B' is not a variable name"),
        (one(needs=Needs(cores=0)), "nodes.a.needs.cores"),
        (one(on_failure="ignore"), "nodes.a.on_failure: 'ignore' is none; use stop, skip, continue"),
        (one(at_most=0), "nodes.a.at_most: must be from 1"),
        (one(jobtype="noop"), "is a noop, so its payload would not be run"),
        (one(values=["x"], for_each="inputs"), "write for_each once"),
        (one(values=["x", " "]), "must be of 1 to 2,000 characters"),
        (one(reads={"X": "a.OUR"}), "nodes.a.in.X: nobody writes 'a.OUR'; did you mean a.OUT?"),
        (one(reads={"X": "a"}), "nodes.a.in.X: nobody writes 'a'; a is a node: name what it writes, like a.VARIABLE"),
        (one(reads={"X": "a.ZZZZZZ"}), "nobody writes 'a.ZZZZZZ'; a writes a.OUT"),
        (one(reads={"X": "zzz.Y"}), "nobody writes 'zzz.Y'; write NODE.VARIABLE"),
        (one(reads={"X": []}), "nodes.a.in.X: reads nothing"),
        (one(reads={"X": ["inputs", "inputs"]}), "names a datum twice"),
        (one(reads={"OUT": "inputs"}), "nodes.a: reads and writes OUT"),
        (one(reads={"A B": "inputs"}), "'A B' is not a variable name"),
        (one(lists=["X"]), "nodes.a.in: 'X' is to be a list, and reads nothing"),
        (one(after=["b"]), "nodes.a.after: there is no node 'b'"),
        (one(for_each="input"), "there is no node or datum 'input'; did you mean inputs?"),
        (one(for_each="zzz"), "'zzz'; write inputs, or a list"),
        (one(env={"R": "{relase}"}), "nodes.a.env.R: there is no field {relase}; known are"),
        (one(env={"R": "{rum}"}), "there is no field {rum}; did you mean run?"),
        (one(env={"R": "{"}), "'{' is no field; write {name}"),
        (one(env={"R": "{a b}"}), "'{a b}' is no field"),
        (one(values=["{index}"]), "nodes.a.for_each: there is no field {index}"),
        (datum(name="x", path="y"), "data.a.OUT: has a path and a name; write the path alone"),
        (datum(dirpath="x", path="y"), "data.a.OUT: has a path and a dirpath"),
        (datum(keep=-1.0), "data.a.OUT.keep"),
        (datum(name="a\nb"), "data.a.OUT.name"),
        (datum(path="{ran}/x"), "data.a.OUT.path: there is no field {ran}; did you mean run?"),
        (template({"a": node()}, {"b.X": Datum("b", "X")}), "data.b.X: it is written by no node: there is no node 'b'"),
        (template({"a": node()}, {"a.X": Datum("a", "X Y")}), "'X Y' is not a variable name"),
        (template({"a": node()}, {"a": Datum("a", "X")}), "'a' is no datum's name"),
        (
            template({"a": node()}, {"a:b": Datum("a", "X", name="x"), "a:c": Datum("a", "X", name="y")}),
            "data.a:c: a would write it and a:b under one variable, X",
        ),
        (
            template({"a": Node("", "noop")}, {"a.X": Datum("a", "X", path="/x", keep=5.0)}),
            "a is a noop: the file was there before",
        ),
        (
            template({"a": node(), "b": node(for_each="a")}),
            "nodes.b.for_each: a has one job; name one that fans out",
        ),
        (
            template(
                {"a": node(), "b": node()}, {"a.O": Datum("a", "O", name="x"), "b.O": Datum("b", "O", path="./x")}
            ),
            "data.b.O: 'x' is a's O already; write another name or path",
        ),
        (
            template(
                {"a": node()}, {"a.O": Datum("a", "O", path="/d//x"), "a.P": Datum("a", "P", dirpath="/d", name="x")}
            ),
            "data.a.P: '/d/x' is a's O already",
        ),
        (
            template({"a": node(values=["1", "2"]), "b": node(for_each="a")}, {"b.O": Datum("b", "O", name="x")}),
            "data.b.O: the 2 jobs of b would all write 'x'; a {field} like {index}",
        ),
        (
            template({"a": node()}, {"a.O": Datum("a", "P3S_RESULT_DIR")}),
            "data.a.O: P3S_RESULT_DIR is set by p3s itself; take another variable",
        ),
        (one(reads={"P3S_TOKEN": "inputs"}), "nodes.a.in: P3S_TOKEN is set by p3s itself"),
        (
            template({"a": node(for_each="inputs")}, {"a.O": Datum("a", "P3S_INPUT_PATH")}),
            "data.a.O: P3S_INPUT_PATH is of the input that a is made for",
        ),
        (datum(path="a/../../x"), "data.a.OUT.path: 'a/../../x' leads out of the workflow's directory"),
        (datum(path="../x://y"), "leads out of the workflow's directory"),
        (datum(dirpath="..", name="x"), "data.a.OUT.dirpath: '..' leads out"),
        (parameter(type="number"), "parameters.n.type: 'number' is none; use string, int, float, bool, list"),
        (parameter(min=1.0), "parameters.n.min: is a finite number, and for int and float alone"),
        (parameter(type="int", min=5.0, max=1.0), "min 5 is above max 1"),
        (parameter(type="int", default=0, min=1.0), "parameters.n.default: must be at least 1, not 0"),
        (parameter(type="int", default="many"), "parameters.n.default: must be a whole number like 10, not 'many'"),
        (parameter(choices=["a", "b"], default="c"), "'c' is none of its choices: a, b"),
        (parameter(type="int", choices=["x"]), "parameters.n.choices"),
        (template({"a": node()}, parameters={"run": Parameter()}), "{run} is filled in by p3s"),
        (template({"a": node()}, parameters={"a-b": Parameter()}), "'a-b' is not a parameter's name"),
        (
            template({"a": node("./x.sh {release}")}, parameters={"release": Parameter()}),
            'write env: {RELEASE: "{release}"} and shell: true, and use $RELEASE',
        ),
    ],
)
def test_what_cannot_be_is_told_with_what_to_write(spec: TemplateSpec, said: str) -> None:
    assert said in refused(spec)


@pytest.mark.parametrize(
    "spec",
    [
        one(reads={"X": "inputs"}, for_each="inputs"),
        one(env={"R": "{run:06d} {keys.dl} {{x}}"}),
        one(payload="awk '{print $1}' ${release}", values=["1"]),
        template({"a": node("echo ${release}")}, parameters={"release": Parameter(default="v7")}),
        template({"a": node(values=["1"]), "b": node(for_each="a.X")}, written("a.X")),
        # 2018's graphs: one file that several nodes read is an edge to each of them.
        template(
            {"a": node(), "b": node(reads={"X": "a:b"}), "c": node(reads={"X": "a:c"})},
            {"a:b": Datum("a", "X", name="x"), "a:c": Datum("a", "X", name="x")},
        ),
        template({"a": Node("", "noop")}, {"a:b": Datum("a", "X", name="x"), "a:c": Datum("a", "X", name="y")}),
        # Wrappers of 2018 read this one; a job without an input of its own may have it from another.
        template({"a": node(), "b": node(reads={"P3S_INPUT_FILE": "a.O"})}, {"a.O": Datum("a", "P3S_INPUT_FILE")}),
        # A name that counts only where the start asks for it, one in another directory, one of a list with one entry.
        template(
            {"a": node(), "b": node()},
            {"a:c": Datum("a", "X", name="x"), "b:c": Datum("b", "X", name="x", sticky=False)},
        ),
        template(
            {"a": node(), "b": node()},
            {"a.X": Datum("a", "X", name="x"), "b.X": Datum("b", "X", dirpath="d", name="x")},
        ),
        template(
            {"a": node(values=["{n}"])}, {"a.X": Datum("a", "X", name="x")}, parameters={"n": Parameter("list", ["1"])}
        ),
    ],
)
def test_what_can_be_is_not_refused(spec: TemplateSpec) -> None:
    check(spec)
