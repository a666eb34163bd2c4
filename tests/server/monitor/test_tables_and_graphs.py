"""Tables, graphs and files on the page of a run: judged in words, safe whatever a payload wrote, holes seen."""

import re
from typing import Any

HOSTILE = "<script>alert(1)</script>"


def table(**more: Any) -> dict[str, Any]:
    """As `actions.judge.stored` lays it down."""
    cells = [{"value": 12, "status": "good"}, {"value": None, "status": "none"}]
    bad = [{"value": 2560, "status": "bad", "deviation": 1.5}, {"value": 1.5, "status": "warning"}]
    return {
        "kind": "table",
        "name": "Channels",
        "status": "bad",
        "rows": "apa",
        "reference": 3,
        "columns": [{"name": "dead", "unit": "ch", "good": [0, 40]}, {"name": "noisy"}],
        "values": [{"row": "10", "cells": cells}, {"row": "9", "cells": bad}],
        **more,
    }


def graph(**more: Any) -> dict[str, Any]:
    return {"kind": "graph", "name": "HV", "x": [0, 1, 2, 3], "y": [1, 2, None, 4], "unit": "kV", "x_unit": "s", **more}


def shown(pages: Any, make: Any, *items: dict[str, Any], **more: Any) -> str:
    made = make.result(make.job(run=7), *items, status="bad", **more)
    page: str = pages.get("/runs/7")
    return page[page.index(f'id="result-{made.id}"') :]


def test_a_table_says_of_each_cell_how_it_is_judged(pages: Any, make: Any) -> None:
    page = shown(pages, make, table())
    assert re.findall(r'<th scope="row">(.*?)</th>', page) == ["apa 10", "apa 9"], "as the payload wrote them"
    assert re.findall(r'class="value">(.*?)</span>', page) == ["12", "no value", "2\u202f560", "1.5"]
    wrong = page[page.index("cell-wrong") :]
    assert "bad" in wrong[: wrong.index("</td>")]
    assert "+150\u202f% of run 3" in wrong[: wrong.index("</td>")]
    assert "good 0 … 40" in page
    assert 'aria-label="good"' in page


def test_rows_come_in_the_order_and_with_the_names_that_people_set(pages: Any, make: Any) -> None:
    from p3s.server.results.models import Dimension

    Dimension.objects.create(name="apa", order=["9"], labels={"9": f"APA9 {HOSTILE}"}, who="ana", at=0)
    files = [{"path": f"h{plane}{apa}.png", "by": {"apa": apa, "plane": plane}} for plane in "UV" for apa in (1, 10, 9)]
    images = {"kind": "images", "name": "Hits", "rows": "apa", "columns": "plane", "files": files}
    page = shown(pages, make, table(), images)
    name = "APA9 &lt;script&gt;alert(1)&lt;/script&gt;"
    assert re.findall(r'<th scope="row">(.*?)</th>', page) == [name, "apa 10", name, "apa 1", "apa 10"]
    assert HOSTILE not in page


def test_a_graph_is_drawn_with_its_hole(pages: Any, make: Any) -> None:
    page = shown(pages, make, graph(error=[0.5, 0.5, None, 0.5]))
    assert re.findall(r'<polyline points="(.*?)"', page) == ["0.0,192.5 200.0,137.5"], "one point alone is no line"
    assert page.count('class="dot"') == 3
    assert page.count("<line x1") == 3
    assert "3 points, 1 without a value" in page
    assert "0.5 kV" in page
    assert "4.5 kV" in page


def test_a_graph_of_very_many_points_keeps_its_peaks(pages: Any, make: Any) -> None:
    ys = [0.0] * 20_000
    ys[7_777] = 1.0
    page = shown(pages, make, graph(x=list(range(20_000)), y=ys))
    (line,) = re.findall(r'<polyline points="(.*?)"', page)
    assert len(line.split()) <= 600
    assert ",0.0" in line, "the one peak"
    assert "20000 points" in page


def test_odd_graphs_are_drawn(pages: Any, make: Any) -> None:
    for item in (
        graph(x=[], y=[]),
        graph(y=[None] * 4),
        graph(x=[1e308, -1e308], y=[-1.7e308, 1.7e308], error=[1e308, 1e308]),
        graph(x=[0] * 3000, y=[0.0, None] * 1500),
    ):
        assert "points" in shown(pages, make, item)


def test_a_file_is_a_link_and_what_is_missing_is_said(pages: Any, make: Any) -> None:
    page = shown(pages, make, {"kind": "file", "name": "log", "files": [{"path": "a b/lar.log"}], "expect": 2})
    assert 'files/a%20b/lar.log">a b/lar.log</a>' in page
    assert "1 of 2 expected files missing" in page


def test_items_of_one_name_are_told_apart_by_their_coordinates(pages: Any, make: Any) -> None:
    """Pictures as well as tables and graphs."""
    files = [{"path": "a.png", "by": {}}]
    items = [{"kind": "images", "name": "Hits", "by": {"tpc": tpc}, "files": files} for tpc in (1, 2)]
    page = shown(pages, make, *items, graph(by={"tpc": 3}))
    assert re.findall(r"<h3>(\w+) <span class=\"faint\">(tpc \d)</span>", page) == [
        ("Hits", "tpc 1"),
        ("Hits", "tpc 2"),
        ("HV", "tpc 3"),
    ]


def test_what_has_no_room_on_a_page_is_said_and_the_newest_is_shown(pages: Any, make: Any) -> None:
    large = graph(x=list(range(12_000)), y=[1] * 12_000)
    older = make.result(make.job(run=7), large, category="CRT")
    page = shown(pages, make, large)
    assert page.count("<h3>HV") == 1
    assert page.index("<h3>HV") > 0, "of the newest, with which this part of the page begins"
    whole = pages.get("/runs/7")
    assert f"<code>p3s result show {older.id}</code>" in whole
    assert whole.count("p3s result show") == 1


def test_no_text_of_a_payload_is_markup(pages: Any, make: Any) -> None:
    cells = [{"value": 1, "status": HOSTILE}]
    hostile = {"name": HOSTILE, "group": HOSTILE, "comment": HOSTILE, "by": {HOSTILE: HOSTILE}}
    items = (
        table(rows=HOSTILE, columns=[{"name": HOSTILE, "unit": HOSTILE}], values=[{"row": HOSTILE, "cells": cells}]),
        graph(unit=HOSTILE, x_unit=HOSTILE),
        {"kind": "file", "name": "f", "files": [{"path": f'{HOSTILE}" onclick="x'}]},
    )
    page = shown(pages, make, *({**item, **hostile} for item in items))
    assert HOSTILE not in page
    assert 'onclick="x' not in page


def test_the_drift_of_a_number_stands_beside_its_limits(pages: Any, make: Any) -> None:
    number = {"kind": "number", "name": "n", "value": 3, "good": [0, 5], "deviation": -0.25, "reference": 3600}
    assert "good 0 … 5, -25\u202f% of run 3600" in shown(pages, make, number)


def test_sizes_are_rounded_to_the_next_unit() -> None:
    from p3s.server.monitor.templatetags.presentation import size

    said = {0: "0 B", 999: "999 B", 999_499: "999 kB", 999_600: "1 MB", 12_340_000: "12.3 MB", 999_999_999: "1 GB"}
    assert {count: size(count) for count in said} == said


def test_large_values_keep_their_digits() -> None:
    from p3s.server.monitor.measures import number

    said = {
        23456.7: "23\u202f457",
        -123456.5: "-123\u202f456",
        9999.4: "9999",
        9999.7: "10\u202f000",
        0.1234567: "0.1235",
    }
    assert {value: number(value) for value in said} == said
    assert number(1.5e12 + 0.5) == "1.5e+12"
