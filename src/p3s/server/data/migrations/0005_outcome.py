import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("data", "0004_streams"),
    ]

    operations = [
        migrations.CreateModel(
            name="Outcome",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("jobtype", models.CharField(max_length=80)),
                ("job", models.BigIntegerField()),
                ("word", models.CharField(max_length=220)),
                (
                    "arrival",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to="data.arrival"),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("arrival", "jobtype"), name="outcome_once")],
            },
        ),
    ]
