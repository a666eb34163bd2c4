"""The writes of files that arrive, in set-based SQL, the same on SQLite and PostgreSQL: through Django's models they
cost more than all else that is done with a file of which no job is made."""

import json
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from p3s.server.sql import Statement

from .models import Arrival, Dataset

_DATASETS = Statement(
    """
INSERT INTO data_dataset (uuid, name, url, kind, datatype_id, size, adler32, modified_at, run, subrun, keys, comment,
  metadata, state, owner, registered_at, purged)
SELECT {uuid}, {name}, {url}, {kind}, {datatype}, {size}, {adler32}, {modified_at}, {run}, {subrun}, {keys}, {comment},
  {metadata}, {state}, {owner}, {registered_at}, {purged} {rows}
""",
    uuid="text",
    name="text",
    url="text",
    kind="text",
    datatype="text",
    size="bigint",
    adler32="text",
    modified_at="double precision",
    run="bigint",
    subrun="bigint",
    keys="jsonb",
    comment="text",
    metadata="jsonb",
    state="text",
    owner="text",
    registered_at="double precision",
    purged="jsonb",
)


def add_datasets(datasets: Iterable[Dataset]) -> None:
    """Files that the table has not."""
    _DATASETS.run([_dataset(one) for one in datasets])


def _dataset(one: Dataset) -> tuple[Any, ...]:
    return (
        one.uuid,
        one.name,
        one.url,
        one.kind,
        one.datatype_id,
        one.size,
        one.adler32,
        one.modified_at,
        one.run,
        one.subrun,
        _json(one.keys),
        one.comment,
        _json(one.metadata),
        one.state,
        one.owner,
        one.registered_at,
        _json(one.purged),
    )


_ARRIVALS = Statement(
    """
INSERT INTO data_arrival (stream_id, dataset_id, run, fate, reason, manual, stream_version, at, purged)
SELECT {stream}, {dataset}, {run}, {fate}, {reason}, {manual}, {stream_version}, {at}, {purged} {rows}
""",
    stream="text",
    dataset="text",
    run="bigint",
    fate="text",
    reason="text",
    manual="boolean",
    stream_version="integer",
    at="double precision",
    purged="text",
)


def add_arrivals(arrivals: Iterable[Arrival]) -> None:
    """What streams made of files, for the first time; in this order they are listed."""
    _ARRIVALS.run([_arrival(one) for one in arrivals])


_arrival = attrgetter("stream_id", "dataset_id", "run", "fate", "reason", "manual", "stream_version", "at", "purged")


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value) if value else "{}"
