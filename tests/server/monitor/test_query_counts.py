"""A page costs the same number of queries however much there is to show."""

from typing import Any

import pytest

PAGES = {"/": 18, "/jobs": 5, "/pilots": 4, "/data": 5, "/runs/4": 15, "/workflows": 3}


def fill(make: Any, many: int) -> None:
    for number in range(many):
        pilot, file = make.pilot(f"host-{number}"), make.dataset(run=4, subrun=number)
        job = make.job(dataset=file, pilot=pilot)
        make.job(state="running", dataset=file, pilot=pilot, jobtype="evdisp")
        make.workflow(parts=1, name=f"w{number}")
        make.result(job, *({"kind": "check", "name": f"check {n}", "status": "good"} for n in range(3)))


@pytest.mark.parametrize("address", PAGES)
def test_the_number_of_queries_does_not_grow(pages: Any, make: Any, address: str) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for _ in range(2):
        fill(make, 12)
        with CaptureQueriesContext(connection) as captured:
            pages.get(address)
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert counts[0] <= PAGES[address]
