"""What is read about trends and about what results are judged by. `next` of a page continues it."""

from typing import Any, Optional, TypedDict


class Limit(TypedDict):
    """Limits that people set, of a number or of a column, `table/column`; null where they say nothing."""

    category: str
    item: str
    good: "Optional[list[Optional[float]]]"
    warn: "Optional[list[Optional[float]]]"
    drift: "Optional[list[float]]"
    who: str
    at: float
    why: str


class Limits(TypedDict):
    """A page of limits, by category and item."""

    limits: "list[Limit]"
    next: Optional[str]


class Reference(TypedDict):
    """The reference run of a category; of the empty one, of all that have none of their own."""

    category: str
    run: int
    who: str
    at: float
    why: str


class References(TypedDict):
    """All of them, by category."""

    references: "list[Reference]"


class Dimension(TypedDict):
    """How a coordinate is shown: its values in physical order, and the detector's names for them."""

    name: str
    order: "list[str]"
    labels: "dict[str, str]"
    who: str
    at: float
    why: str


class Dimensions(TypedDict):
    """All of them, by name."""

    dimensions: "list[Dimension]"


class StandardChanged(TypedDict):
    """Whether it is other than before."""

    changed: bool


class TrendName(TypedDict):
    """What is trended: a number by its name; a cell of a table by `item/column`, where its row is one of `by`."""

    category: str
    name: str
    item: str
    column: str
    by: "dict[str, Any]"
    unit: str


class TrendNames(TypedDict):
    """A page of what is trended, by name and coordinates."""

    names: "list[TrendName]"
    next: Optional[str]


class Point(TypedDict):
    """One value. `at`: of the data if the payload said it, else of the publication. Status and limits are those with
    which it was judged; `deviation` is a fraction of the value of the run `reference`."""

    run: Optional[int]
    subrun: Optional[int]
    keys: "dict[str, Any]"
    at: float
    value: Optional[float]
    error: Optional[float]
    status: str
    good: "Optional[list[Optional[float]]]"
    warn: "Optional[list[Optional[float]]]"
    deviation: Optional[float]
    reference: Optional[int]
    result: int
    job: str
    jobtype: str


class Trend(TrendName):
    """The last values, in the order of runs. `limits`: those set on the server by now, or null."""

    limits: Optional[Limit]
    points: "list[Point]"


class Trends(TypedDict):
    """A page of trends, by name and coordinates."""

    trends: "list[Trend]"
    next: Optional[str]
