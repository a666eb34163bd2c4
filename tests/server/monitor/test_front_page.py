"""The front page says what is going on, worst first."""

from typing import Any


def verdict(page: str) -> str:
    return page.split('class="verdict-text">')[1].split("</p>")[0]


def test_an_empty_server_says_what_to_do_first(pages: Any) -> None:
    page = pages.get("/")
    assert "Ready, and empty" in verdict(page)
    for command in ("p3s watcher start", "p3s pilot start", "p3s job submit -- ", "p3s demo"):
        assert f"<code>{command}" in page


def test_all_is_well_when_data_flows(pages: Any, make: Any) -> None:
    make.pilot()
    file = make.dataset(ago=10)
    make.result(make.job(dataset=file), status="good", ago=6)
    page = pages.get("/")
    assert "All is well" in verdict(page)
    assert "4.0 s" in page  # from the file's arrival to its first plot
    assert "processed" in page


def test_the_time_to_a_plot_is_that_of_files_that_have_one(pages: Any, make: Any) -> None:
    assert "no file has a plot yet" in pages.get("/")
    make.result(make.job(dataset=make.dataset(ago=70)), status="good", ago=60)
    for _ in range(20):
        make.job(state="defined", dataset=make.dataset(ago=5))
    page = pages.get("/")
    assert "10 s from file to plot" in page
    assert "no file has a plot yet" not in page


def test_a_sick_run_comes_first_and_names_the_category(pages: Any, make: Any) -> None:
    make.pilot()
    make.result(make.job(dataset=make.dataset(run=4611)), category="Purity", status="bad")
    page = pages.get("/")
    assert "Run 4611: Purity looks bad" in verdict(page)
    assert 'class="verdict verdict-wrong"' in page


def test_jobs_without_a_pilot_are_the_first_thing_to_say(pages: Any, make: Any) -> None:
    make.job(state="defined")
    assert "1 job waits and no pilot is there" in verdict(pages.get("/"))


def test_a_pilot_not_heard_for_long_is_silent(pages: Any, make: Any) -> None:
    make.pilot("quiet-host", silent_s=47.0)
    make.pilot("loud-host")
    page = pages.get("/")
    assert "1 of 2 pilots is silent" in verdict(page)
    assert page.split("quiet-host")[1].split("</li>")[0].count("silent") == 1
    assert "silent" not in page.split("loud-host")[1].split("</li>")[0]


def test_pilots_show_their_slots(pages: Any, make: Any) -> None:
    busy = make.pilot("busy-host", slots=3)
    make.pilot("idle-host")
    make.job(state="running", pilot=busy)
    make.job(state="dispatched", pilot=busy)
    page = pages.get("/")
    assert "running 2 of 3" in page
    assert "idle" in page.split("idle-host")[1].split("</li>")[0]


def test_a_failed_file_says_how_many_jobs_failed(pages: Any, make: Any) -> None:
    make.pilot()
    file = make.dataset()
    make.job(dataset=file, jobtype="a")
    make.job(dataset=file, jobtype="b", state="failed", reason="exit code")
    page = pages.get("/")
    assert "1 of 2 jobs failed" in page
    assert "1 of the latest 1 files failed" in verdict(page)


def test_a_file_without_run_is_listed_by_its_name(pages: Any, make: Any) -> None:
    file = make.dataset("cosmics.root", run=None)
    make.result(make.job(dataset=file), status="good")
    page = pages.get("/")
    assert f'<a href="/data/{file.uuid}">file cosmics.root</a>' in page


def test_a_run_is_listed_before_its_first_result(pages: Any, make: Any) -> None:
    make.dataset(run=99)
    assert "no result yet" in pages.get("/").split("Run 99")[1].split("</tr>")[0]


def test_a_superseded_attempt_no_longer_counts(pages: Any, make: Any) -> None:
    make.pilot()
    job = make.job(dataset=make.dataset(run=5), attempt=2)
    make.result(job, status="bad", attempt=1)
    make.result(job, status="good", attempt=2)
    assert "All is well" in verdict(pages.get("/"))


def test_the_live_part_can_be_fetched_alone(pages: Any, make: Any) -> None:
    make.pilot()
    text = pages.get("/?part=now")
    assert "<html" not in text
    assert "Latest runs" in text


def test_the_page_says_which_topics_make_it_refetch(pages: Any) -> None:
    page = pages.get("/")
    assert 'data-live="datasets jobs pilots results alarms services" hx-get="/?part=now"' in page
    assert 'data-live-url="/api/v1/live"' in page


def test_files_that_workflows_made_are_no_arriving_data(pages: Any, make: Any) -> None:
    make.pilot()
    make.result(make.job(dataset=make.dataset("raw.root", ago=7200)), status="good", ago=7100)
    for number in range(20):
        make.dataset(f"out{number}.txt", ago=1, state="registered", metadata={"workflow": "w"})
    make.dataset("a set", ago=1, kind="set")
    page = pages.get("/")
    assert "Quiet" in verdict(page)
    assert "0 in the last hour" in page
    assert "raw.root" in page
    assert "out1.txt" not in page


def test_open_alarms_are_part_of_the_verdict(pages: Any, make: Any) -> None:
    from p3s.server.journal.models import Alarm

    make.pilot()
    make.result(make.job(dataset=make.dataset(ago=10)), status="good", ago=6)
    times = {"raised_at": 1_789_999_900.0, "last_at": 1_789_999_900.0}
    for number in range(9):
        message = f"storage {number} <b> is silent"
        Alarm.objects.create(cause=f"c{number}", kind="watcher", message=message, severity="warning", **times)
    page = pages.get("/")
    assert "storage 8 &lt;b&gt; is silent" in verdict(page)
    assert "and 2 more" in page


def test_of_very_many_categories_the_worst_are_shown(pages: Any, make: Any) -> None:
    file = make.dataset(run=4612)
    for number in range(30):
        make.result(make.job(dataset=file), category=f"Category {number}.", status="bad" if number == 29 else "good")
    row = pages.get("/").split('id="runs"')[1].split("</table>")[0]
    assert row.index("Category 29.") < row.index("Category 2.") < row.index("Category 10.")
    assert "Category 20." not in row
    assert "and 18 more" in row
