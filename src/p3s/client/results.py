"""Results: what payloads published, its trends, and what it is judged by."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from p3s.protocol import result_routes
from p3s.protocol.data import DimensionSpec, LimitSpec, ReferenceSpec
from p3s.protocol.result_views import Dimension, Limit, Reference, Trend, TrendName
from p3s.protocol.views import Result

from .asking import Asking, Json

MOST_TRENDS = 20


class Results(Asking):
    """Read by run, category, job; moments are seconds since the epoch."""

    def results(
        self,
        limit: int | None = 100,
        *,
        job: str = "",
        jobtype: str = "",
        stream: str = "",
        category: str = "",
        status: str = "",
        run: int | None = None,
        subrun: int | None = None,
        since: float | None = None,
        until: float | None = None,
        every: bool = False,
        items: bool = True,
    ) -> list[Result]:
        """The latest results, newest first, with their items; those of the newest attempt of each (job type, category,
        run, subrun, keys), or with `every`, and of a `job`, all. Without `items` they come faster."""
        asked: Json = {"job": job, "jobtype": jobtype, "stream": stream, "category": category, "status": status}
        asked |= {"run": run, "subrun": subrun, "since": since, "until": until, "all": every, "items": items}
        return list(self._pages(result_routes.RESULTS, "results", limit, asked))

    def result(self, result: int) -> Result:
        """One result with its items. Raises NotKnown."""
        found: Result = self._ask(result_routes.RESULT, result=str(result))
        return found

    def result_file(self, result: int, path: str) -> bytes:
        """A file of a result, by the path that its items say. Raises NotKnown."""
        return self._bytes(result_routes.RESULT_FILE, result=str(result), path=path)

    # ---- trends

    def trends(
        self,
        category: str = "",
        item: str = "",
        *,
        column: str = "",
        by: Mapping[str, object] | None = None,
        last: int = 100,
        since_run: int | None = None,
        until_run: int | None = None,
        every: bool = False,
        limit: int | None = MOST_TRENDS,
    ) -> list[Trend]:
        """Numbers and cells of tables over runs: the `last` values of each (at most 1000), in the order of runs.
        `item` is an item's name or `table/column`; `by` chooses those with these coordinates."""
        asked = {**_chosen(category, item, column, by or {}), "last": last, "all": every}
        asked |= {"since_run": since_run, "until_run": until_run}
        return list(self._pages(result_routes.TRENDS, "trends", limit, asked, most=MOST_TRENDS))

    def trend_names(
        self,
        category: str = "",
        item: str = "",
        *,
        column: str = "",
        by: Mapping[str, object] | None = None,
        limit: int | None = None,
    ) -> list[TrendName]:
        """What is trended, by name and coordinates."""
        asked = _chosen(category, item, column, by or {})
        return list(self._pages(result_routes.TREND_NAMES, "names", limit, asked))

    # ---- what results are judged by

    def limits(self, category: str = "", limit: int | None = None) -> list[Limit]:
        """Limits that people set, by category and item."""
        return list(self._pages(result_routes.LIMITS, "limits", limit, {"category": category}))

    def set_limit(self, spec: LimitSpec) -> bool:
        """Limits of a number or of a column, `table/column`: the whole of them, for results from now on. False when it
        was so already."""
        return self._changed(result_routes.SET_LIMIT, body=spec)

    def drop_limit(self, category: str, item: str, why: str = "") -> bool:
        """What payloads say counts again. False when nothing was set there."""
        return self._changed(result_routes.DROP_LIMIT, {"category": category, "item": item, "why": why})

    def references(self) -> list[Reference]:
        """Reference runs by category; the empty one is that of all others."""
        return list(self._part("references", result_routes.REFERENCES))

    def set_reference(self, spec: ReferenceSpec) -> bool:
        """The run against which drift is judged from now on. False when it was this one already."""
        return self._changed(result_routes.SET_REFERENCE, body=spec)

    def drop_reference(self, category: str = "", why: str = "") -> bool:
        """Have no reference run. False when there was none."""
        return self._changed(result_routes.DROP_REFERENCE, {"category": category, "why": why})

    def dimensions(self) -> list[Dimension]:
        """How people see coordinates, by name."""
        return list(self._part("dimensions", result_routes.DIMENSIONS))

    def set_dimension(self, spec: DimensionSpec) -> bool:
        """Order and names of a coordinate's values. False when it was so already."""
        return self._changed(result_routes.SET_DIMENSION, body=spec)

    def drop_dimension(self, name: str, why: str = "") -> bool:
        """Show its values as they are. False when there was none."""
        return self._changed(result_routes.DROP_DIMENSION, {"name": name, "why": why})

    def _changed(self, route: Any, asked: Mapping[str, str] | None = None, body: Any = None) -> bool:
        query = "?" + urlencode({name: value for name, value in asked.items() if value}) if asked else ""
        return bool(self._part("changed", route, query, body))


def _chosen(category: str, item: str, column: str, by: Mapping[str, object]) -> Json:
    coordinates = ",".join(f"{name}={value}" for name, value in by.items())
    return {"category": category, "item": item, "column": column, "by": coordinates}
