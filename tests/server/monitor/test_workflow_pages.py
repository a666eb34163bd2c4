"""The list of workflows, and one of them with its nodes."""

from typing import Any

import pytest

from p3s.protocol.states import WorkflowState
from p3s.server.monitor.states import WORKFLOW_STATES


def test_every_state_of_the_protocol_has_its_word_here() -> None:
    assert set(WORKFLOW_STATES) == {str(state) for state in WorkflowState}


def test_without_workflows_the_page_says_how_to_start_one(pages: Any) -> None:
    page = pages.get("/workflows")
    assert "No workflow was started." in page
    assert "p3s workflow start" in page
    assert 'aria-current="page">Workflows' in page


def test_the_list_is_filtered_by_state_template_name_and_run(pages: Any, make: Any) -> None:
    wanted = make.workflow(name="wanted one", run=4610)
    make.workflow(state="failed", name="of another state", run=4610)
    make.workflow(template="other", name="wanted of another template", run=4610)
    make.workflow(name="nameless", run=4610)
    make.workflow(name="wanted of another run", run=4611)
    page = pages.get("/workflows?state=running&template=calib&name=wanted&run=4610")
    assert f'href="/workflows/{wanted.uuid}"' in page
    assert "1 of 3" in page
    assert page.count('<td class="progress">') == 1
    assert "No workflow fits." in pages.get("/workflows?name=nobody")
    assert "wanted one" in pages.get("/workflows?state=nonsense%00&after=nonsense&run=x")


def test_the_list_goes_on_page_by_page(pages: Any, make: Any) -> None:
    for number in range(51):
        make.workflow(parts=1, name=f"w{number:02}", ago=100 + number)
    first = pages.get("/workflows")
    assert ("w49" in first, "w50" in first) == (True, False)
    older = first.split('">older</a>')[0].rpartition('href="')[2].replace("&amp;", "&")
    second = pages.get(f"/workflows{older}")
    assert ("w49" in second, "w50" in second) == (False, True)
    assert "newest" in second


def test_one_shows_how_it_stands_its_nodes_and_their_files(pages: Any, make: Any) -> None:
    made = make.workflow()
    raw = make.dataset(url=f"/data/w/{made.uuid}/raw-0.txt", name="raw-0.txt")
    page = pages.get(f"/workflows/{made.uuid}")
    assert "Of its 3 nodes 2 waiting for input." in page
    assert f'href="/data/{raw.uuid}"' in page
    assert "for decode[1]" in page
    assert "v07" in page
    assert "/data/in.root" in page
    assert '<svg class="dag"' in page
    assert "1 of 2 ended" in page
    job = made.steps.get(place=0).job
    assert f'href="/jobs/{job.uuid}"' in page
    assert f'href="/workflows/{made.uuid}"' in pages.get(f"/jobs/{job.uuid}")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "held"}, "p3s workflow release"),
        ({"state": "failed", "reason": "decode[1] failed: exit code 3"}, "decode[1] failed: exit code 3"),
        ({"state": "cancelled", "cancelled_by": "bob"}, "Cancelled by bob."),
        ({"state": "finished"}, "All of its 3 nodes have ended."),
        ({"ending": "stop", "reason": "decode[0] failed"}, "It is brought to its end: decode[0] failed."),
    ],
)
def test_how_it_stands_is_said_in_a_sentence(pages: Any, make: Any, fields: dict[str, Any], words: str) -> None:
    page = pages.get(f"/workflows/{make.workflow(**fields).uuid}")
    assert words in page.split('<p class="lead">')[1].split("</p>")[0]


def test_nodes_are_chosen_by_state_and_node_and_shown_a_page_at_a_time(pages: Any, make: Any) -> None:
    made = make.workflow(parts=130)
    page = pages.get(f"/workflows/{made.uuid}")
    assert ("decode[99]" in page, ">decode[100]<" in page) == (True, False)
    assert "&amp;after=99#nodes" in page
    page = pages.get(f"/workflows/{made.uuid}?after=99")
    assert ">decode[100]<" in page
    page = pages.get(f"/workflows/{made.uuid}?node=sum")
    assert (">sum<" in page, ">decode[0]<" in page) == (True, False)
    page = pages.get(f"/workflows/{made.uuid}?state=finished")
    assert (">decode[0]<" in page, ">decode[1]<" in page) == (True, False)
    assert ">decode[0]<" in pages.get(f"/workflows/{made.uuid}?state=x&node=y&after=z")


def test_of_a_workflow_s_file_it_is_not_said_that_no_job_took_it(pages: Any, make: Any) -> None:
    made = make.workflow()
    about = {"metadata": {"workflow": made.uuid, "node": "ped"}}
    for name, fields in {"raw": {}, "ped": about, "sum": {**about, "state": "registered"}}.items():
        make.dataset(name=name, **fields)
    lines = {name: pages.get("/data").split(f">{name}<")[1].split("<tr")[0] for name in ("raw", "ped", "sum")}
    assert "no job took it" in lines["raw"]
    assert "of a workflow" in lines["ped"]
    assert "not there yet" in lines["sum"]


def test_files_and_runs_lead_to_their_workflows(pages: Any, make: Any) -> None:
    file = make.dataset(run=4610)
    written = make.dataset(run=None)
    made = make.workflow(dataset=file, run=4610)
    written.metadata = {"workflow": made.uuid}
    written.save()
    for one in (file, written):
        assert f'href="/workflows/{made.uuid}"' in pages.get(f"/data/{one.uuid}")
    assert 'href="/workflows?run=4610"' in pages.get("/runs/4610")
    make.dataset(run=4611)
    assert "/workflows?run" not in pages.get("/runs/4611")


def test_the_number_of_queries_does_not_grow_with_the_nodes(pages: Any, make: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for parts in (3, 90):
        made = make.workflow(parts=parts)
        with CaptureQueriesContext(connection) as captured:
            pages.get(f"/workflows/{made.uuid}")
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 10
    with CaptureQueriesContext(connection) as captured:
        pages.get("/workflows")
    assert len(captured) <= 3


def test_an_unknown_one_is_not_there(pages: Any) -> None:
    assert "There is no workflow" in pages.get("/workflows/none", status=404)


def test_a_choice_is_kept_and_the_counts_of_all_do_not_stand_beside_it(pages: Any, make: Any) -> None:
    make.workflow(run=12)
    make.workflow(state="finished", run=13)
    assert "finished <b>1</b>" in pages.get("/workflows")
    page = pages.get("/workflows?run=12")
    assert "finished <b>1</b>" not in page
    assert page.count("&amp;run=12") >= 2
