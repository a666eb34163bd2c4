from django.db import migrations, models

WHAT_WAS = """
UPDATE data_stream SET declared = spec;
INSERT INTO data_streamversion (stream_id, version, spec, what, owner, why, at)
SELECT name, version, spec, 'declared', owner, '', updated_at FROM data_stream
WHERE NOT EXISTS (
  SELECT 1 FROM data_streamversion known
  WHERE known.stream_id = data_stream.name AND known.version = data_stream.version
);
INSERT INTO data_run (number, type, comment, started_at, ended_at, owner)
SELECT run, '', '', MIN(registered_at),
  CASE WHEN run = (SELECT MAX(run) FROM data_dataset) THEN NULL ELSE MAX(registered_at) END, MIN(owner)
FROM data_dataset WHERE run IS NOT NULL AND run NOT IN (SELECT number FROM data_run) GROUP BY run;
"""
"""Streams that were there are kept as they are, and runs of which files came; all but the latest of these are over."""


class Migration(migrations.Migration):
    dependencies = [
        ("data", "0003_runs_versions_arrivals"),
    ]

    operations = [
        migrations.AddField(
            model_name="stream",
            name="declared",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="streamversion",
            name="what",
            field=models.CharField(default="declared", max_length=12),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="arrival",
            name="purged",
            field=models.CharField(blank=True, default="", max_length=220),
        ),
        migrations.RemoveIndex(
            model_name="arrival",
            name="arrival_by_run",
        ),
        migrations.AddIndex(
            model_name="arrival",
            index=models.Index(fields=["stream", "run", "fate", "id"], name="arrival_by_run"),
        ),
        migrations.RunSQL(WHAT_WAS, migrations.RunSQL.noop),
    ]
