"""The list of files: all of them, a page at a time."""

import re
import uuid
from typing import Any

import pytest

OLDER = re.compile(r'href="(\?[^"]*before=[^"]*)">older')


def walked(pages: Any, address: str) -> list[str]:
    """The names of all pages, following the links."""
    found: list[str] = []
    page = pages.get(address)
    while True:
        found += re.findall(r'<td class="name"><a href="[^"]*">([^<]*)</a>', page)
        older = OLDER.search(page)
        if older is None:
            return found
        page = pages.get("/data" + older[1].replace("&amp;", "&"))


def test_files_that_were_registered_together_are_all_listed_once(pages: Any, make: Any) -> None:
    names = [make.dataset(f"f{number:03}.root", ago=60 + number // 70).name for number in range(170)]
    assert sorted(walked(pages, "/data")) == sorted(names)


def test_files_of_a_run_alone(pages: Any, make: Any) -> None:
    names = [make.dataset(f"f{number:03}.root", run=12).name for number in range(60)]
    make.dataset("other.root", run=13)
    assert sorted(walked(pages, "/data?run=12")) == sorted(names)
    assert "Show the latest files" in pages.get("/data?run=14")


def test_an_address_with_a_moment_alone_still_leads_to_older_ones(pages: Any, make: Any) -> None:
    old, new = make.dataset("old.root", ago=100), make.dataset("new.root", ago=10)
    page = pages.get(f"/data?before={new.registered_at - 1!r}")
    assert old.name in page
    assert new.name not in page


def test_what_is_no_place_in_the_list_begins_at_its_beginning(pages: Any, make: Any) -> None:
    file = make.dataset()
    for before in ("nan", "inf~x", "x", "~", "1e999"):
        assert file.name in pages.get(f"/data?before={before}")


def test_a_set_shows_its_files(pages: Any, make: Any) -> None:
    from p3s.server.data.models import Member

    several = make.dataset("good runs", run=None, kind="set", url="set:good runs")
    assert "It has none yet." in pages.get(f"/data/{several.uuid}")
    files = [make.dataset(f"part{number}.root") for number in range(3)]
    for file in files:
        Member.objects.create(set=several, dataset=file)
    page = pages.get(f"/data/{several.uuid}")
    for file in files:
        assert f'<a href="/data/{file.uuid}">{file.name}</a>' in page
    assert "no job took it" not in page.split("Its files")[0]


def test_jobs_that_were_purged_are_not_called_none(pages: Any, make: Any) -> None:
    file = make.dataset(purged={"finished": 2})
    assert "Its 2 jobs were purged." in pages.get(f"/data/{file.uuid}")


@pytest.mark.parametrize(
    ("state", "own", "shown"),
    [
        ("running", "finished", "processing"),
        ("held", "finished", "processing"),
        ("finished", "finished", "processed"),
        ("failed", "finished", "workflow failed"),
        ("cancelled", "finished", "processed"),
        ("running", "", "processing"),
        ("cancelled", "", "left out"),
    ],
)
def test_a_file_is_in_work_until_the_workflow_that_a_stream_started_of_it_has_ended(
    pages: Any, make: Any, state: str, own: str, shown: str
) -> None:
    from p3s.server.data.models import Stream

    file = make.dataset()
    stream = Stream.objects.create(name=f"s{uuid.uuid4().hex}", spec={}, version=1, owner="x", updated_at=0.0)
    make.workflow(state=state, parts=0, dataset=file, stream=stream)
    if own:
        make.job(state=own, dataset=file)
    line = pages.get("/data").split(f'<a href="/data/{file.uuid}">')[1].split("</tr>")[0]
    assert shown in line
