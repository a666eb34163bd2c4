"""The pages in a real browser, on a real system: plots drawn, changes seen without a reload, nothing hostile shown."""

import re
from typing import Any

import pytest

pytestmark = pytest.mark.browser

MARK = "window.neverReloaded = true"
MARKED = "window.neverReloaded === true"


def opened_live(page: Any, path: str) -> None:
    """The page, once its event stream is open, with a mark that a reload would lose."""
    page.goto(path)
    page.wait_for_selector('#connection[data-state="live"]')
    page.evaluate(MARK)


def test_a_root_histogram_is_drawn(page: Any) -> None:
    page.goto("/runs/1")
    first = page.locator(".histogram, .histogram-set").first
    first.scroll_into_view_if_needed()
    drawn = page.locator('.histogram[data-drawn="true"]').first
    drawn.wait_for(state="attached")
    drawn.scroll_into_view_if_needed()
    assert drawn.locator("svg path").count() > 0
    box = drawn.bounding_box()
    assert box["width"] > 100
    assert box["height"] > 100
    assert page.locator('[data-failed="true"]').count() == 0


def test_every_histogram_and_image_of_a_run_is_drawn(page: Any) -> None:
    page.goto("/runs/1")
    page.wait_for_selector(".histogram, .histogram-set", state="attached")
    sets = page.locator(".histogram-set")
    for number in range(sets.count()):
        sets.nth(number).scroll_into_view_if_needed()
        page.wait_for_function(
            "n => { const s = document.querySelectorAll('.histogram-set')[n].dataset; return s.expanded || s.failed }",
            arg=number,
        )
    plots = page.locator(".histogram")
    for number in range(plots.count()):
        plots.nth(number).scroll_into_view_if_needed()
        page.wait_for_function(
            "n => { const p = document.querySelectorAll('.histogram')[n].dataset; return p.drawn || p.failed }",
            arg=number,
        )
    assert plots.count() > 0
    assert page.locator('.histogram[data-drawn="true"]').count() == plots.count()
    images = page.locator("figure img")
    for number in range(images.count()):
        images.nth(number).scroll_into_view_if_needed()
        page.wait_for_function("n => document.querySelectorAll('figure img')[n].naturalWidth > 0", arg=number)


def test_a_submitted_job_appears_and_ends_without_a_reload(system: Any, page: Any, tmp_path: Any) -> None:
    opened_live(page, "/jobs")
    go = tmp_path / "go"
    payload = system.script("wait.sh", f"#!/bin/sh\nuntil [ -e {go} ]; do sleep 0.1; done\n")
    system.submit(payload, name="a job seen live")
    row = page.locator("tr", has_text="a job seen live")
    row.wait_for()
    row.get_by_text("running", exact=True).wait_for()
    go.touch()
    row.get_by_text("finished", exact=True).wait_for()
    assert page.evaluate(MARKED)


def test_an_arriving_file_and_its_run_appear_on_the_front_page_without_a_reload(system: Any, page: Any) -> None:
    opened_live(page, "/")
    assert page.get_by_text("tpc_run000002_0001.root").count() == 0
    system.take_run(2)
    page.locator("#files").get_by_text("tpc_run000002_0001.root").wait_for()
    page.locator("#runs").get_by_text("Run 2").wait_for()
    system.until("run 2 has its results", lambda: system.results_of(2), 90)
    page.locator("#files tr", has_text="tpc_run000002_0001.root").get_by_text("processed").wait_for()
    assert page.evaluate(MARKED)


def test_a_drawn_histogram_stays_while_the_page_is_refreshed_around_it(system: Any, page: Any) -> None:
    opened_live(page, "/runs/1")
    page.locator(".histogram, .histogram-set").first.scroll_into_view_if_needed()
    drawn = page.locator('.histogram[data-drawn="true"]').first
    drawn.wait_for(state="attached")
    drawn.evaluate("element => { element.querySelector('svg').dataset.mine = 'yes' }")
    with page.expect_response(lambda answer: "part=" in answer.url):
        system.submit("/bin/true", name="something changes")
    page.wait_for_function(MARKED)
    assert page.locator('.histogram svg[data-mine="yes"]').count() == 1


def test_a_file_that_is_no_picture_is_a_named_hole_beside_the_others(system: Any, page: Any) -> None:
    payload = system.script(
        "broken.sh",
        """#!/bin/bash
cd "$P3S_RESULT_DIR"
echo 'nonsense' > hits_U.png; : > hits_V.png
echo '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>' > hits_W.svg
p3s-publish --category Hits --run 667 --images "Hits=hits_{plane:a}.*"
""",
    )
    job = system.submit(payload)
    system.until("the job has ended", lambda: system.client.job(job)["ended_at"])
    opened_live(page, "/runs/667")
    page.wait_for_function("() => document.querySelectorAll('.figure.broken').length === 2")
    assert page.locator(".figure.broken a[href$='hits_U.png']").inner_text() == (
        "plane U cannot be shown: its file is no picture"
    )
    page.wait_for_function(
        "[...document.querySelectorAll('.figure img')].map(one => one.naturalWidth > 0).join() === 'true'"
    )
    with page.expect_response(lambda answer: "part=" in answer.url):
        system.submit("/bin/true", name="something changes")
    assert page.locator(".figure.broken .missing").count() == 2
    assert page.evaluate(MARKED)


def test_from_a_plot_one_gets_to_its_job_file_and_pilot_and_back(system: Any, page: Any) -> None:
    [result] = system.results_of(1)
    page.goto("/runs/1")
    origin = page.locator("article.result .origin").first
    origin.locator('a[href^="/jobs/"]').click()
    page.wait_for_url(re.compile(f"/jobs/{result['job']}$"))
    assert page.get_by_text("Ended with exit code 0").count() == 1

    page.locator("dl.facts").get_by_role("link", name="tpc_run000001_0001.root").click()
    page.wait_for_url(re.compile(f"/data/{result['dataset']}$"))
    page.locator("dl.facts").get_by_role("link", name="1", exact=True).click()
    page.wait_for_url(re.compile("/runs/1"))

    page.locator('article.result .origin a[href^="/pilots/"]').first.click()
    page.wait_for_url(re.compile("/pilots/"))
    pilot = system.client.job(result["job"])["pilot"]
    assert page.url.endswith(pilot)
    page.locator(f'a[href="/jobs/{result["job"]}"]').first.click()
    page.wait_for_url(re.compile(f"/jobs/{result['job']}$"))


HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def hostile_job(system: Any) -> str:
    payload = system.script(
        "hostile.sh",
        f"""#!/bin/bash
echo '{HOSTILE}'
echo '{HOSTILE}' >&2
cat > "$P3S_RESULT_DIR/p3s-result.json" <<'EOF'
{{"p3s_result": 1, "category": "{HOSTILE}", "run": 666, "comment": "{HOSTILE}", "items": [
  {{"kind": "number", "name": "{HOSTILE}", "value": 1, "unit": "<b>", "comment": "{HOSTILE}",
    "by": {{"x": "{HOSTILE}"}}}},
  {{"kind": "check", "name": "javascript:alert(3)", "status": "bad", "comment": "{HOSTILE}"}}]}}
EOF
""",
    )
    env = {"HOSTILE": HOSTILE}
    job: str = system.submit(payload, name=HOSTILE, jobtype="<script>alert(4)</script>", env=env)
    system.until("the hostile job has ended", lambda: system.client.job(job)["ended_at"])
    assert system.client.job(job)["state"] == "finished"
    return job


def test_hostile_names_logs_and_results_are_shown_as_text(system: Any, page: Any) -> None:
    job = hostile_job(system)
    for path in (f"/jobs/{job}", "/jobs", "/runs/666", "/", "/jobs?type=%3Cscript%3Ealert(4)%3C%2Fscript%3E"):
        opened_live(page, path)
        if path != "/":
            page.get_by_text("<script>alert(").first.wait_for(state="attached")
        assert page.locator("img[onerror]").count() == 0, path
        assert page.locator("main script").count() == 0, path
        assert page.locator("[onerror], [onload], [onclick], a[href^='javascript:']").count() == 0, path
    page.goto(f"/jobs/{job}")
    assert HOSTILE in page.locator("h1").inner_text()
    assert page.locator("section.log pre").filter(has_text=HOSTILE).count() == 2


def test_hostile_text_that_arrives_live_is_text_too(system: Any, page: Any) -> None:
    opened_live(page, "/jobs")
    system.submit("/bin/true", name="live " + HOSTILE)
    page.get_by_text("live <img src=x").first.wait_for()
    assert page.locator("img[onerror], main script").count() == 0
    assert page.evaluate(MARKED)


def test_a_name_that_turns_the_direction_of_writing_turns_nothing_around_it(system: Any, page: Any) -> None:
    job = system.submit("/bin/true", name="\u202egnp.exe", jobtype="\u202etype")
    system.until("the job has ended", lambda: system.client.job(job)["ended_at"])
    page.goto(f"/jobs/{job}")
    title, chip = page.locator("h1 bdi").bounding_box(), page.locator("h1 .chip").bounding_box()
    assert title["x"] + title["width"] <= chip["x"]
    page.goto("/jobs")
    inline = page.locator("main").evaluate(
        """main => [...main.querySelectorAll('*')]
             .filter(one => getComputedStyle(one).display === 'inline')
             .filter(one => !getComputedStyle(one).unicodeBidi.startsWith('isolate'))
             .map(one => one.outerHTML)"""
    )
    assert inline == []


@pytest.mark.parametrize("path", ["/", "/data", "/jobs", "/pilots", "/runs/1", "/jobs?state=failed"])
def test_each_page_is_live_without_errors_and_asks_nobody_else(page: Any, path: str) -> None:
    opened_live(page, path)
    assert page.title().endswith("p3s")
    assert page.locator("main").inner_text().strip()


def test_a_page_that_is_not_there_says_so(page: Any) -> None:
    answer = page.goto("/runs/424242")
    assert answer.status == 404
    assert "run 424242" in page.locator("main").inner_text()
    # The 404 itself is what was asked for.
    page.troubles[:] = [one for one in page.troubles if "404" not in one]


def test_a_workflow_goes_on_before_ones_eyes_and_leads_to_its_jobs(system: Any, page: Any, tmp_path: Any) -> None:
    from p3s.protocol.workflows import Datum, Node, StartRequest, TemplateSpec

    go = tmp_path / "go"
    wait = system.script("make.sh", f'#!/bin/sh\nuntil [ -e {go} ]; do sleep 0.1; done\necho x > "$OUT"\n')
    nodes = {"make": Node(wait), "use": Node("/bin/true", inputs={"IN": ["make.OUT"]})}
    system.client.put_template(TemplateSpec("seen", nodes, {"make.OUT": Datum("make", "OUT")}))
    opened_live(page, "/workflows")
    started = system.client.start_workflow(StartRequest("seen", name="a workflow seen live"))
    page.get_by_role("link", name="a workflow seen live").click()
    page.wait_for_url(re.compile(f"/workflows/{started.workflow}$"))
    page.wait_for_selector('#connection[data-state="live"]')
    page.evaluate(MARK)
    assert page.locator("svg.dag rect:not(.dag-side)").count() == 2
    row = page.locator("#nodes tr", has=page.get_by_role("link", name="use", exact=True))
    row.get_by_text("waiting for input").wait_for()
    go.touch()
    row.get_by_text("finished", exact=True).wait_for()
    page.locator(".title").get_by_text("finished", exact=True).wait_for()
    assert page.evaluate(MARKED)
    page.locator("svg.dag a", has_text="make").click()
    page.wait_for_url(re.compile(r"node=make"))
    page.locator("#nodes").get_by_role("link", name="make", exact=True).click()
    page.wait_for_url(re.compile("/jobs/"))
    page.locator("dl.facts").get_by_role("link", name="a workflow seen live").click()
    page.wait_for_url(re.compile(f"/workflows/{started.workflow}$"))


def test_what_is_being_typed_or_chosen_survives_a_refresh(system: Any, page: Any) -> None:
    from p3s.protocol.workflows import Node, StartRequest, TemplateSpec

    for name in ("typed", "chosen"):
        system.client.put_template(TemplateSpec(name, nodes={"one": Node("/bin/true")}))
    system.client.start_workflow(StartRequest("typed", name="the first", hold=True))
    opened_live(page, "/workflows")
    page.fill("input[name=name]", "a part of a na")
    page.select_option("select[name=template]", "chosen")
    page.locator("input[name=run]").blur()
    system.client.start_workflow(StartRequest("typed", name="made meanwhile", hold=True))
    page.locator("tr", has_text="made meanwhile").wait_for()
    assert page.input_value("input[name=name]") == "a part of a na"
    assert page.input_value("select[name=template]") == "chosen"
    page.get_by_role("button", name="Show").click()
    page.get_by_text("No workflow fits.").wait_for()
    opened_live(page, "/workflows?template=chosen")
    system.client.start_workflow(StartRequest("chosen", name="another", hold=True))
    page.locator("tr", has_text="another").wait_for()
    assert page.input_value("select[name=template]") == "chosen"


def test_figures_are_enlarged_by_the_keyboard(page: Any) -> None:
    page.goto("/runs/1")
    page.locator("figure.figure figcaption[tabindex]").first.wait_for(state="attached")
    page.locator("figure.figure figcaption[tabindex]").first.focus()
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog[open]").wait_for(state="detached")
    images = page.locator("figure.figure:has(img) a")
    if images.count():
        images.first.focus()
        page.keyboard.press("Enter")
        page.locator("dialog[open] img").wait_for()


def test_focus_and_selection_stay_with_their_row_when_others_come_above(system: Any, page: Any) -> None:
    selected, focused = (system.submit("true", name=f"a row of its own {number}", hold=True) for number in range(2))
    opened_live(page, "/jobs")
    page.evaluate("id => getSelection().selectAllChildren(document.getElementById(id).cells[0])", f"job-{selected}")
    system.submit("true", name="comes above", hold=True)
    page.get_by_text("comes above").wait_for()
    assert page.evaluate("getSelection().toString()").strip() == "a row of its own 0"
    page.locator(f"#job-{focused} td.name a").focus()
    system.submit("true", name="comes later", hold=True)
    page.get_by_text("comes later").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "a row of its own 1"
    assert page.evaluate(MARKED)
