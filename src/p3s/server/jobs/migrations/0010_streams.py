from typing import Any

from django.db import migrations, models

RANKS = {"failed": "1", "lost": "2", "dropped": "3", "cancelled": "4", "skipped": "5", "finished": "6"}
"""Of final states, the worst first: `domain.coverage.ranked`."""

ARRIVED = """
INSERT INTO data_arrival (stream_id, dataset_id, run, fate, reason, manual, stream_version, at, purged)
SELECT MIN(job.stream_id), dataset.uuid, dataset.run, 'taken', '', %s, 0, dataset.registered_at, ''
FROM data_dataset dataset JOIN jobs_job job ON job.dataset_id = dataset.uuid
WHERE job.stream_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM data_arrival known WHERE known.dataset_id = dataset.uuid)
GROUP BY dataset.uuid, dataset.run, dataset.registered_at
"""


def arrivals(apps: Any, schema_editor: Any) -> None:
    """A file of before belongs to the one stream that it was registered for: its jobs name it. Of a file whose jobs
    were all purged nobody knows it any more, unless there is but one stream."""
    Arrival, Stream = apps.get_model("data", "Arrival"), apps.get_model("data", "Stream")
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(ARRIVED, [False])
    streams = list(Stream.objects.values_list("name", flat=True)[:2])
    for dataset in apps.get_model("data", "Dataset").objects.exclude(purged={}).iterator():
        rank = min((rank for state, rank in RANKS.items() if dataset.purged.get(state)), default="")
        arrival = Arrival.objects.filter(dataset=dataset).first()
        if arrival is None and len(streams) == 1:
            facts = {"run": dataset.run, "fate": "taken", "stream_version": 0, "at": dataset.registered_at}
            arrival = Arrival(stream_id=streams[0], dataset=dataset, **facts)
        if arrival is not None and rank:
            arrival.purged = rank
            arrival.save()


class Migration(migrations.Migration):
    dependencies = [
        ("data", "0004_streams"),
        ("jobs", "0009_uses_of_purged_jobs"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("state", "defined"), ("stream__isnull", False)),
                fields=["stream", "jobtype", "id"],
                name="job_of_stream",
            ),
        ),
        migrations.RunPython(arrivals, migrations.RunPython.noop),
    ]
