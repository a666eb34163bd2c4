"""The writes of a publication in set-based SQL, the same on SQLite and PostgreSQL: it may have thousands of rows, for
which the writer keeps others waiting. The result itself, one row, is written by its model."""

from p3s.server.sql import Statement

ADD_ITEMS = Statement(
    """
INSERT INTO results_item (result_id, position, kind, name, "by", status, comment, "group", value, error, unit, detail,
  problem)
SELECT {result}, {position}, {kind}, {name}, {by}, {status}, {comment}, {group}, {value}, {error}, {unit}, {detail},
  {problem} {rows}
""",
    result="bigint",
    position="integer",
    kind="text",
    name="text",
    by="jsonb",
    status="text",
    comment="text",
    group="text",
    value="double precision",
    error="double precision",
    unit="text",
    detail="jsonb",
    problem="text",
)

ADD_SERIES = Statement(
    """
INSERT INTO results_series (id, category, name, item, "column", "by", place, unit)
SELECT {id}, {category}, {name}, {item}, {column}, {by}, {place}, {unit} {rows}
""",
    id="bigint",
    category="text",
    name="text",
    item="text",
    column="text",
    by="jsonb",
    place="text",
    unit="text",
)

ADD_VALUES = Statement(
    """
INSERT INTO results_value (series_id, result_id, run, subrun, at, value, error, status, good_low, good_high, warn_low,
  warn_high, deviation, reference)
SELECT {series}, {result}, {run}, {subrun}, {at}, {value}, {error}, {status}, {good_low}, {good_high}, {warn_low},
  {warn_high}, {deviation}, {reference} {rows}
""",
    series="bigint",
    result="bigint",
    run="bigint",
    subrun="bigint",
    at="double precision",
    value="double precision",
    error="double precision",
    status="text",
    good_low="double precision",
    good_high="double precision",
    warn_low="double precision",
    warn_high="double precision",
    deviation="double precision",
    reference="bigint",
)
