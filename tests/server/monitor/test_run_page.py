"""A run: results by category, what is bad plainly bad, what is missing named."""

import html
from typing import Any

import pytest


def test_a_bad_number_is_visibly_bad_with_its_limits(pages: Any, make: Any) -> None:
    item = {
        "kind": "number",
        "name": "dead",
        "value": 2432.0,
        "unit": "ch",
        "status": "bad",
        "good": [0, 40],
        "warn": [0, 200],
    }
    make.result(make.job(dataset=make.dataset(run=4)), item, status="bad")
    page = pages.get("/runs/4")
    row = page.split('<tr class="line-wrong">')[1].split("</tr>")[0]
    assert "dead" in row
    assert "2\u202f432" in row
    assert "good 0 … 40, bad outside 0 … 200" in row
    assert 'chip-wrong"><i class="icon icon-wrong"' in row


def test_images_stand_at_their_coordinates_and_holes_are_seen(pages: Any, make: Any) -> None:
    files = [{"path": f"h{p}{a}.png", "by": {"apa": a, "plane": p}} for a in (9, 10) for p in "UV"][:3]
    item = {"kind": "images", "name": "Hits", "rows": "apa", "columns": "plane", "expect": 4, "files": files}
    result = make.result(make.job(dataset=make.dataset(run=4)), item)
    page = pages.get("/runs/4")
    assert page.index("apa 9") < page.index("apa 10")
    assert page.count('<div class="missing">') == 1
    assert "1 of 4 expected files missing" in page
    assert f'src="/api/v1/results/{result.pk}/files/hU9.png"' in page


def test_histograms_carry_what_jsroot_needs(pages: Any, make: Any) -> None:
    item = {
        "kind": "root",
        "name": "ADC",
        "files": [{"path": "a b/h.root", "by": {}}],
        "objects": ["adc/h1"],
        "draw": "colz",
        "log": "z",
    }
    result = make.result(make.job(dataset=make.dataset(run=4)), item)
    page = pages.get("/runs/4")
    assert f'data-file="/api/v1/results/{result.pk}/files/a%20b/h.root"' in page
    assert 'data-object="adc/h1" data-draw="colz" data-logz>' in page


def test_patterns_of_objects_are_left_to_the_page(pages: Any, make: Any) -> None:
    item = {"kind": "root", "name": "ADC", "files": [{"path": "h.root", "by": {}}], "objects": ["adc/h{apa:d}"]}
    make.result(make.job(dataset=make.dataset(run=4)), item)
    assert 'data-objects="[&quot;adc/h{apa:d}&quot;]"' in pages.get("/runs/4")


def test_a_hole_is_named_with_its_reason(pages: Any, make: Any) -> None:
    item = {"kind": "images", "name": "Pedestals", "problem": "items[0].files: nothing fits"}
    make.result(make.job(dataset=make.dataset(run=4)), item, incomplete=True)
    page = pages.get("/runs/4")
    assert "<b>Pedestals</b> is not shown: items[0].files: nothing fits" in page
    assert "incomplete" in page


def test_the_newest_attempt_of_the_newest_job_is_shown(pages: Any, make: Any) -> None:
    old, new = (make.job(dataset=make.dataset(run=4)) for _ in range(2))
    make.result(old, {"kind": "check", "name": "old check"})
    make.result(new, {"kind": "check", "name": "new check"})
    page = pages.get("/runs/4")
    assert "new check" in page
    assert "old check" not in page


def test_different_keys_stand_side_by_side(pages: Any, make: Any) -> None:
    job = make.job(dataset=make.dataset(run=4))
    make.result(job, keys={"dl": 5})
    make.result(job, keys={"dl": 6}, position=1)
    page = pages.get("/runs/4")
    assert "dl 5" in page
    assert "dl 6" in page


def test_the_latest_subrun_is_shown_first_and_others_can_be_chosen(pages: Any, make: Any) -> None:
    for subrun in (1, 2):
        make.result(make.job(dataset=make.dataset(run=4, subrun=subrun)), {"kind": "check", "name": f"check-{subrun}"})
    assert "check-2" in pages.get("/runs/4")
    assert "check-1" not in pages.get("/runs/4")
    assert "check-1" in pages.get("/runs/4?subrun=1")
    assert "check-2" in pages.get("/runs/4?subrun=nonsense")


def test_from_a_plot_to_its_job_file_and_pilot(pages: Any, make: Any) -> None:
    pilot, file = make.pilot(), make.dataset(run=4)
    job = make.job(dataset=file, pilot=pilot)
    make.result(job)
    page = pages.get("/runs/4")
    for address in (f"/jobs/{job.uuid}", f"/data/{file.uuid}", f"/pilots/{pilot.uuid}"):
        assert f'href="{address}"' in page
    assert 'href="/runs/4"' in pages.get(f"/jobs/{job.uuid}")


def test_a_run_without_results_says_what_became_of_its_files(pages: Any, make: Any) -> None:
    make.job(dataset=make.dataset(run=4), state="dropped", reason="stale")
    page = pages.get("/runs/4")
    assert "There is no result of this run yet" in page
    assert "stale" in page


def test_runs_are_linked_to_their_neighbours(pages: Any, make: Any) -> None:
    for run in (3, 4, 9):
        make.result(make.job(dataset=make.dataset(run=run)))
    page = pages.get("/runs/4")
    assert "← 3" in page
    assert "9 →" in page


@pytest.mark.parametrize("address", ["/runs/77", f"/runs/{2**64}", "/data/none", "/jobs/none", "/pilots/none"])
def test_what_is_not_there_is_404(pages: Any, address: str) -> None:
    assert pages.client.get(address).status_code == 404


def test_a_negative_run_has_a_page(pages: Any, make: Any) -> None:
    make.result(make.job(dataset=make.dataset(run=-1)))
    assert "Run -1" in pages.get("/")
    assert "Run -1" in pages.get("/runs/-1")


def test_a_file_without_run_shows_its_results_in_the_same_manner(pages: Any, make: Any) -> None:
    file = make.dataset("cosmics.root", run=None)
    make.result(make.job(dataset=file), {"kind": "check", "name": "all there", "status": "good"}, category="Checks")
    page = html.unescape(pages.get(f"/data/{file.uuid}"))
    assert "cosmics.root" in page
    assert "all there" in page


def test_what_is_known_of_a_file_stands_on_its_page(pages: Any, make: Any) -> None:
    from p3s.server.data.models import DataType
    from p3s.server.jobs.models import Use

    DataType.objects.create(name="ROOT", owner="ops", updated_at=0)
    known = {"datatype_id": "ROOT", "adler32": "0a1b2c3d", "comment": "half <a> file", "state": "missing"}
    file = make.dataset("decoded.root", run=4, **known)
    writer = make.job(jobtype="decode")
    Use.objects.create(job=writer, dataset=file, role="output")
    page = pages.get(f"/data/{file.uuid}")
    for word in ("ROOT", "0a1b2c3d", "half &lt;a&gt; file", "missing", f"/jobs/{writer.uuid}"):
        assert word in page, word
    golden = make.dataset("golden", run=None, kind="set", size=None)
    assert "Files of the set" in pages.get(f"/data/{golden.uuid}")


def test_a_run_that_a_person_started_is_known_before_its_first_file(pages: Any) -> None:
    from p3s.server.data.models import Run

    Run.objects.create(number=7777, type="cosmic <b>", comment="beam & off", started_at=1_789_999_000.0, owner="anna")
    page = pages.get("/runs/7777")
    assert "cosmic &lt;b&gt;" in page
    assert "beam &amp; off" in page
    assert "none yet" in page
    Run.objects.filter(number=7777).update(ended_at=1_789_999_900.0)
    assert "<dd>ended</dd>" in pages.get("/runs/7777")
    assert "Nothing is known of run 7778" in pages.get("/runs/7778", 404)


def test_every_file_of_a_run_shows_its_jobs(pages: Any, make: Any) -> None:
    files = [make.dataset(run=4, subrun=number) for number in range(130)]
    for file in files:
        for jobtype in ("monitor", "evdisp", "purity", "noise"):
            make.job(dataset=file, jobtype=jobtype)
    table = pages.get("/runs/4").split('id="files"')[1]
    assert '<span class="faint">none</span>' not in table
    assert table.count("purity</a>") == len(files)


def test_jobs_that_are_not_listed_are_counted(pages: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from p3s.server.monitor import run_pages

    file = make.dataset(run=4, purged={"finished": 2})
    for _ in range(3):
        make.job(dataset=file)
    assert "and 2 more" in pages.get("/runs/4").split('id="files"')[1]
    monkeypatch.setattr(run_pages, "MOST_JOBS", 0)
    assert "5 not shown here" in pages.get("/runs/4").split('id="files"')[1]


def test_a_list_that_is_cut_says_so(pages: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from p3s.server.monitor import run_pages

    for number in range(4):
        make.result(make.job(dataset=make.dataset(run=4, subrun=number)))
    whole = pages.get("/runs/4")
    assert "The latest files of this run" not in whole
    monkeypatch.setattr(run_pages, "MOST_FILES", 2)
    monkeypatch.setattr(run_pages, "MOST_RESULTS", 3)
    page = pages.get("/runs/4")
    assert "The latest files of this run" in page
    assert 'href="/data?run=4"' in page
    assert "the 3 latest results" in page


def test_the_steps_to_other_runs_leave_out_none(pages: Any, make: Any) -> None:
    from p3s.server.data.models import Run

    for number in (4, 9):
        make.result(make.job(dataset=make.dataset(run=number)))
    for number in (5, 8):
        Run.objects.create(number=number, started_at=1_789_999_000.0, owner="anna")

    def steps(run: int) -> str:
        return pages.get(f"/runs/{run}").split('class="steps"')[1].split("</p>")[0]

    assert 'href="/runs/5"' in steps(4)
    assert 'href="/runs/4"' in steps(5)
    assert 'href="/runs/8"' in steps(5)
    assert 'href="/runs/9"' in steps(8)
    assert "→" not in steps(9)
