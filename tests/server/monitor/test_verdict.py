"""The first sentence of the front page."""

from dataclasses import replace

from p3s.server.monitor.verdict import Facts, LatestRun, notices

CALM = Facts(
    now=1000.0,
    pilots=2,
    silent=0,
    waiting_jobs=0,
    last_file=990.0,
    last_result=995.0,
    failed_files=0,
    latest_files=3,
    runs=[],
)


def test_all_is_well() -> None:
    assert [notice.text for notice in notices(CALM)] == ["All is well"]


def test_quiet_after_a_while_is_not_an_error() -> None:
    [notice] = notices(replace(CALM, now=5000.0))
    assert notice.group == "plain"
    assert notice.since == 995.0


def test_the_worst_comes_first() -> None:
    runs = [LatestRun("Run 5", "/runs/5", [], ["Purity"]), LatestRun("Run 4", "/runs/4", ["TPC", "Noise", "HV"], [])]
    found = notices(replace(CALM, silent=1, runs=runs))
    assert [notice.group for notice in found] == ["wrong", "warning", "warning"]
    assert found[0].text == "Run 4: TPC and 2 more looks bad"


def test_pilots_that_are_all_silent_are_worse_than_some() -> None:
    assert notices(replace(CALM, silent=2))[0].text == "All 2 pilots are silent"
    assert notices(replace(CALM, pilots=1, silent=1))[0].text == "The only pilot is silent"


def test_no_pilots_and_nothing_to_do_is_fine() -> None:
    assert notices(replace(CALM, pilots=0))[0].text == "All is well"
