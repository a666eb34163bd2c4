"""Dotted paths into a rule, what may stand there, and what two rules differ in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p3s.domain.changes import canonical, changed, differences, flat, merged, place, read, said
from p3s.protocol.errors import BadInput

RULE: dict[str, Any] = {
    "name": "s",
    "jobs": {"a": {"payload": "x"}, "np.evd": {"payload": "y"}},
    "env": {"A": "1"},
}


def refused(path: str, value: Any = None, unset: bool = False) -> str:
    with pytest.raises(BadInput) as error:
        changed(RULE, {} if unset else {path: value}, [path] if unset else [])
    return str(error.value)


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("env.A", ("env", "A")),
        ("env.NEW", ("env", "NEW")),
        ("jobs.a.env.X", ("jobs", "a", "env", "X")),
        ("jobs.np.evd.needs.cores", ("jobs", "np.evd", "needs", "cores")),
        ("waiting.at_most", ("waiting", "at_most")),
        ("parameters.n.m", ("parameters", "n.m")),
    ],
)
def test_a_path_leads_to_its_place_whatever_dots_names_have(path: str, keys: tuple[str, ...]) -> None:
    assert place(path, RULE)[0] == keys


def test_values_are_set_and_taken_out_and_what_is_default_is_not_kept() -> None:
    after = changed(RULE, {"take.one_in": 1, "jobs.np.evd.one_in": 3, "jobs.a.time_limit": 60}, ["env.A"])
    assert after == {
        "name": "s",
        "jobs": {"a": {"payload": "x", "time_limit": 60.0}, "np.evd": {"payload": "y", "one_in": 3}},
    }
    assert RULE["env"] == {"A": "1"}, "the old rule is as it was"


def test_a_job_is_added_and_taken_out() -> None:
    after = changed(RULE, {"jobs.new.payload": "z", "jobs.new.needs.tags": ["cvmfs"]}, ["jobs.a"])
    assert after["jobs"] == {"np.evd": {"payload": "y"}, "new": {"payload": "z", "needs": {"tags": ["cvmfs"]}}}


def test_refusals_say_where_and_what_instead() -> None:
    assert refused("takes.one_in", 1).endswith("there is no takes; did you mean take?")
    assert "there is no take.onein; did you mean one_in?" in refused("take.onein", 1)
    assert refused("RELEASE", "v2").endswith("there is no RELEASE; a variable of its jobs is env.RELEASE")
    assert refused("ENV.RELEASE", "v2").endswith("there is no ENV; did you mean env?")
    assert "there are jobs, env, take" in refused("x", 1), "name and files cannot be set"
    assert "there is no jobs.b yet" in refused("jobs.b.one_in", 1)
    assert "write jobs.a.payload or jobs.a.env" in refused("jobs.a", {})
    assert "nothing stands below it" in refused("take.one_in.x", 1)
    assert "must be a whole number, not True" in refused("take.one_in", True)
    assert "must be a list of texts" in refused("jobs.a.needs.tags", "x")
    assert "env.B: is not set; there are A" in refused("env.B", unset=True)
    for path in ("", ".", "env.", "take"):
        assert refused(path, 1)


def test_all_that_cannot_be_is_told_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        changed(RULE, {"env.A": "3", "tke.one_in": 1, "take.one_in": 5, "take.first_of_run": "x"}, ["waiting"])
    assert [one.partition(": ")[0] for one in caught.value.mistakes] == ["tke.one_in", "take.first_of_run", "waiting"]


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("take.one_in", "20", 20),
        ("jobs.a.time_limit", "20m", 1200.0),
        ("jobs.a.time_limit", "2.5", 2.5),
        ("jobs.a.needs.memory", "4GB", 4 * 10**9),
        ("jobs.a.needs.tags", "cvmfs, xrootd", ["cvmfs", "xrootd"]),
        ("gather.g.at_run_end", "yes", True),
        ("env.N", "5", "5"),
        ("parameters.n", "5", 5),
        ("parameters.release", "v07", "v07"),
    ],
)
def test_what_people_write_is_read_as_what_stands_there(path: str, text: str, value: Any) -> None:
    assert read(path, text, RULE) == value


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("take.one_in", "many", "'many' is not a whole number"),
        ("jobs.a.time_limit", "soon", "write 30s, 20m"),
        ("jobs.a.needs.memory", "4XB", "write 500MB"),
        ("gather.g.at_run_end", "perhaps", "true or false"),
    ],
)
def test_what_cannot_be_read_says_how_to_write_it(path: str, text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read(path, text, RULE)


def test_differences_are_told_by_path() -> None:
    after = changed(RULE, {"env.A": "2", "take.one_in": 5}, ["jobs.a"])
    longer = changed(RULE, {"jobs.a.time_limit": 5400.0, "env.A": "60.0"}, [])
    assert said(differences(RULE, longer)) == "env.A 1 -> 60.0, jobs.a.time_limit (not set) -> 90m"
    assert said(differences(RULE, after)) == "env.A 1 -> 2, jobs.a.payload x -> (not set), take.one_in (not set) -> 5"
    assert differences(RULE, RULE) == []


# ---- declared again

WORDS = st.sampled_from(["1", "2", "3"])
RULES = st.fixed_dictionaries(
    {
        "name": st.just("s"),
        "jobs": st.dictionaries(
            st.sampled_from(["a", "b", "c"]),
            st.fixed_dictionaries({"payload": WORDS}, optional={"one_in": st.integers(2, 4)}),
            min_size=1,
        ),
    },
    optional={"env": st.dictionaries(st.sampled_from(["A", "B"]), WORDS, min_size=1)},
).map(canonical)


@given(declared=RULES, live=RULES)
def test_the_same_file_again_is_what_is_live(declared: Any, live: Any) -> None:
    assert merged(declared, live, declared) == (live, [])


@given(declared=RULES, again=RULES)
def test_without_live_changes_the_file_is_the_rule(declared: Any, again: Any) -> None:
    assert merged(declared, declared, again) == (again, [])


@given(declared=RULES, live=RULES, again=RULES)
def test_each_value_is_the_file_s_or_the_live_one_and_what_is_lost_is_told(
    declared: Any, live: Any, again: Any
) -> None:
    try:
        after, lost = merged(declared, live, again)
    except BadInput:
        return  # the two do not go together: the server takes the file's
    old, now, new, found = flat(declared), flat(live), flat(again), flat(after)
    for keys in old.keys() | now.keys() | new.keys():
        changed_live = old.get(keys) != now.get(keys)
        if not changed_live or ".".join(keys) in lost:
            assert found.get(keys) == new.get(keys), keys
        else:
            assert found.get(keys) == now.get(keys), keys


@pytest.mark.parametrize("declared", [{}, {"parameters": {"a": {"b": 1}}}])
def test_a_live_change_of_a_part_that_is_one_value_now_is_lost_and_told(declared: Any) -> None:
    rule = {"name": "s", "workflow": "w"}
    live = {**rule, "parameters": {"a": {"b": 1, "c": 2}}}
    again = {**rule, "parameters": {"a": 5}}
    after, lost = merged({**rule, **declared}, live, again)
    assert (after, "parameters.a.c" in lost) == (again, True)


def test_what_is_of_the_job_type_says_where() -> None:
    rule = {"name": "s", "jobs": {"monitor": {"payload": "x"}}}
    with pytest.raises(BadInput, match=r"it is a setting of the job type: p3s jobtype set monitor --stale-after"):
        changed(rule, {"jobs.monitor.stale_after": 3.0}, [])
