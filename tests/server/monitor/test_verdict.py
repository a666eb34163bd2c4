"""The first sentence of the front page."""

from dataclasses import replace

from p3s.server.monitor.verdict import Facts, LatestRun, OpenAlarm, notices

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
    assert found[0].text == "Run 4: TPC and 2 more look bad"


def test_pilots_that_are_all_silent_are_worse_than_some() -> None:
    assert notices(replace(CALM, silent=2))[0].text == "All 2 pilots are silent"
    assert notices(replace(CALM, pilots=1, silent=1))[0].text == "The only pilot is silent"


def test_no_pilots_and_nothing_to_do_is_fine() -> None:
    assert notices(replace(CALM, pilots=0))[0].text == "All is well"


def test_an_open_alarm_is_said() -> None:
    alarms = [OpenAlarm("watcher", "storage silent", bad=False, since=900.0), OpenAlarm("disk", "full", True, 950.0)]
    found = notices(replace(CALM, alarms=alarms))
    assert [(notice.group, notice.text, notice.since) for notice in found] == [
        ("wrong", "full", 950.0),
        ("warning", "storage silent", 900.0),
    ]


def test_silent_pilots_are_said_once() -> None:
    silence = OpenAlarm("silence", "pilots at local are silent", bad=False, since=900.0)
    assert len(notices(replace(CALM, silent=1, alarms=[silence]))) == 1
    assert len(notices(replace(CALM, silent=0, alarms=[silence]))) == 1


def test_results_that_are_old_are_not_called_fresh() -> None:
    [notice] = notices(replace(CALM, now=5000.0, last_file=4990.0))
    assert notice.text == "Data flows, the last result came"
    assert notice.since == 995.0
    assert notices(replace(CALM, last_result=None))[0].text == "Data flows, no result has come yet"


def test_data_that_came_long_ago_is_not_said_to_flow() -> None:
    [notice] = notices(replace(CALM, now=5000.0, last_result=4990.0))
    assert "Data flows" not in notice.detail
