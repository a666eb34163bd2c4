"""How many jobs of a stream wait: what its `waiting` is judged by, exactly, in the writer's own transaction.

An index holds the queued jobs of streams by stream and type, so each question looks at as many rows as may wait,
however many jobs there are. What a person had processed is not counted, and never gives way.
"""

from p3s.domain.effects import Queued

from .waiting import _QUEUED, _queued, _rows

_WAITING = """
job.state = 'defined' AND job.stream_id IS NOT NULL AND job.stream_id = %s AND job.jobtype = %s AND job.workflow IS NULL
AND NOT EXISTS (
  SELECT 1 FROM data_arrival arrival
  WHERE arrival.stream_id = job.stream_id AND arrival.dataset_id = job.dataset_id AND arrival.manual
)
"""

COUNT = f"""
SELECT COUNT(*) FROM (
  SELECT job.id FROM jobs_job job /*INDEXED BY job_of_stream*/ WHERE {_WAITING} LIMIT %s
) AS found
"""

OLDEST = f"""
{_QUEUED} job /*INDEXED BY job_of_stream*/ WHERE {_WAITING} ORDER BY job.id LIMIT %s
"""

NEWEST = OLDEST.replace("ORDER BY job.id", "ORDER BY job.id DESC")


def count(stream: str, jobtype: str, most: int) -> int:
    """How many wait, counted no further than `most`."""
    return int(_rows(COUNT, (stream, jobtype, most))[0][0])


def victims(stream: str, jobtype: str, limit: int, *, newest: bool) -> list[Queued]:
    """Those that wait longest, or shortest."""
    return [_queued(row) for row in _rows(NEWEST if newest else OLDEST, (stream, jobtype, limit))]
