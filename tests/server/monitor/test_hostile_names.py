"""Whatever a payload, pilot or person writes, it stays text."""

from typing import Any
from urllib.parse import quote

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def hostile_world(make: Any) -> list[str]:
    """Every text field that others write is hostile. The addresses of all pages."""
    from p3s.server.jobs.models import JobLog
    from p3s.server.journal.models import Event

    pilot = make.pilot(EVIL, site=EVIL[:80], version=EVIL[:40], reason=EVIL, python=EVIL[:40], batch_id=EVIL)
    file = make.dataset(EVIL, run=4, subrun=1, keys={EVIL: EVIL}, owner=EVIL)
    loose = make.dataset(EVIL + "2", run=None)
    job = make.job(
        state="failed",
        jobtype=EVIL,
        dataset=file,
        pilot=pilot,
        name=EVIL,
        payload=EVIL,
        env={EVIL: EVIL},
        reason=EVIL,
        owner=EVIL,
    )
    JobLog.objects.create(job=job, attempt=1, stdout=EVIL, stderr=EVIL)
    flow = make.workflow(
        "failed",
        template=EVIL,
        nodes=(EVIL, EVIL + "2"),
        name=EVIL,
        reason=EVIL,
        owner=EVIL,
        comment=EVIL,
        directory=EVIL,
        keys={EVIL: EVIL},
        basis={"files": [{"url": EVIL}], "parameters": {EVIL: EVIL}},
        dataset=file,
    )
    objects = (("job", job), ("pilot", pilot), ("dataset", file), ("workflow", flow))
    for kind, uuid in ((kind, one.uuid) for kind, one in objects):
        Event.objects.create(at=1.0, kind=kind, object_id=uuid, what=EVIL[:40], who=EVIL, why=EVIL)
    by = {EVIL: EVIL}
    common = {"name": EVIL, "by": by, "comment": EVIL, "group": EVIL}
    items = [
        {**common, "kind": "number", "value": 1.0, "unit": EVIL[:40], "status": "bad"},
        {**common, "kind": "check", "status": "good"},
        {**common, "kind": "images", "files": [{"path": EVIL, "by": by}], "rows": EVIL},
        {
            **common,
            "kind": "root",
            "files": [{"path": EVIL, "by": by}],
            "objects": [EVIL, EVIL + "*"],
            "draw": EVIL,
            "log": EVIL,
        },
        {**common, "kind": EVIL[:12], "problem": EVIL},
    ]
    make.result(job, *items, category=EVIL[:80], status="bad", keys={EVIL: EVIL}, comment=EVIL, data_time=EVIL[:40])
    make.result(make.job(dataset=loose), *items, category=EVIL[:80])
    made = [f"/jobs/{job.uuid}", f"/pilots/{pilot.uuid}", f"/data/{file.uuid}", f"/data/{loose.uuid}"]
    made += [f"/workflows/{flow.uuid}", f"/workflows/{flow.uuid}?node={quote(EVIL)}", f"/workflows?name={quote(EVIL)}"]
    return ["/", "/jobs", "/workflows", "/pilots", "/data", "/runs/4", *made]


def test_nothing_hostile_becomes_markup(pages: Any, make: Any) -> None:
    for address in hostile_world(make):
        page = pages.get(address)
        assert "<script>alert" not in page, address
        assert "<img src=x" not in page, address
        assert "&lt;script&gt;" in page, address


def test_no_page_needs_inline_script(pages: Any, make: Any) -> None:
    for address in hostile_world(make):
        page = pages.get(address)
        assert page.count("<script") == 1, address
        assert '<script type="module" src="/static/built/main.js"></script>' in page
        assert " onclick=" not in page


def test_an_address_of_an_unknown_object_is_escaped(pages: Any) -> None:
    page = pages.get("/jobs/%3Cscript%3Ealert(1)", status=404)
    assert "<script>alert" not in page


def test_items_of_unexpected_shape_do_not_break_the_page(pages: Any, make: Any) -> None:
    odd: list[dict[str, Any]] = [
        {"kind": "images", "name": "a", "files": ["text", {"path": "p.png", "by": None}], "expect": "many", "rows": 3},
        {"kind": "root", "name": "b", "files": [{}], "objects": [1, None]},
        {"kind": "number", "name": "c", "value": None, "good": "low", "warn": [1]},
        {"kind": "number", "name": "d", "value": 1e308},
        {"kind": "table", "name": "e"},
    ]
    make.result(make.job(dataset=make.dataset(run=4)), *odd, status="strange")
    assert "no value" in pages.get("/runs/4")


def test_an_address_that_is_none_has_a_page_that_leads_on(pages: Any) -> None:
    from django.test import override_settings

    with override_settings(ROOT_URLCONF="p3s.server.project.urls"):
        for address in ("/jobs/", "/runs/4%3Cb%3E", "/nowhere"):
            page = pages.get(address, 404)
            assert "There is no page " in page
            assert "See what is happening now" in page
            assert "<b>" not in page
