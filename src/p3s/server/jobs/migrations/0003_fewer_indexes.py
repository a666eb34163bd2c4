"""Fewer indexes to write for each job: SQLite finds rows by their number without one, and nobody searches UUIDs and keys
by their beginning, for which Django gives each text of PostgreSQL that is unique a second index."""

import django.db.models.deletion
from django.db import migrations, models

import p3s.server.jobs.models

_OF_BEGINNINGS = """
SELECT indexname FROM pg_indexes
WHERE schemaname = current_schema() AND tablename IN ('jobs_job', 'jobs_submission') AND indexname LIKE '%\\_like'
"""


def drop_indexes_of_beginnings(_, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_OF_BEGINNINGS)
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP INDEX "{name}"')


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_rules")]

    operations = [
        migrations.AlterField(
            model_name="job",
            name="id",
            field=p3s.server.jobs.models.RowNumber(primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name="joblog",
            name="job",
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to="jobs.job"),
        ),
        migrations.RunPython(drop_indexes_of_beginnings, migrations.RunPython.noop),
    ]
