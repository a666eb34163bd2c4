from typing import Any

from django.db import migrations

VERSIONS = """
UPDATE workflows_workflow SET stream_version = (
  SELECT arrival.stream_version FROM data_arrival arrival
  WHERE arrival.stream_id = workflows_workflow.stream_id AND arrival.dataset_id = workflows_workflow.dataset_id
)
WHERE stream_id IS NOT NULL
"""
JOBS = """
UPDATE jobs_job SET
  stream_id = (SELECT stream_id FROM workflows_workflow WHERE uuid = jobs_job.workflow),
  stream_version = (SELECT stream_version FROM workflows_workflow WHERE uuid = jobs_job.workflow)
WHERE workflow IN (SELECT uuid FROM workflows_workflow WHERE stream_id IS NOT NULL)
"""


def remember(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001
    """What streams had started before workflows and their jobs said which rule they were made by."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(VERSIONS)
        cursor.execute(JOBS)


class Migration(migrations.Migration):
    dependencies = [
        ("workflows", "0002_streams"),
        ("jobs", "0012_made_once"),
    ]

    operations = [migrations.RunPython(remember, migrations.RunPython.noop)]
