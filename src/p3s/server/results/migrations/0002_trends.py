"""Tables of trends and of what values are judged by; what a result is about, as a number."""

import django.db.models.deletion
from django.db import migrations, models

import p3s.server.jobs.models
import p3s.server.results.models


def _set_by_people():
    return [
        ("who", models.CharField(max_length=150)),
        ("at", models.FloatField()),
        ("why", models.TextField(blank=True, default="")),
    ]


def _number():
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0008_uses_and_followers"),
        ("results", "0001_first"),
    ]

    operations = [
        migrations.CreateModel(
            name="Dimension",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("order", models.JSONField(default=list)),
                ("labels", models.JSONField(default=dict)),
                *_set_by_people(),
            ],
        ),
        migrations.CreateModel(
            name="Limit",
            fields=[
                ("id", _number()),
                ("category", models.CharField(max_length=80)),
                ("item", models.CharField(max_length=401)),
                ("good", models.JSONField(null=True)),
                ("warn", models.JSONField(null=True)),
                ("drift", models.JSONField(null=True)),
                *_set_by_people(),
            ],
        ),
        migrations.CreateModel(
            name="Reference",
            fields=[
                ("category", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("run", models.BigIntegerField()),
                *_set_by_people(),
            ],
        ),
        migrations.CreateModel(
            name="Series",
            fields=[
                ("id", p3s.server.jobs.models.RowNumber(primary_key=True, serialize=False)),
                ("category", models.CharField(max_length=80)),
                ("name", models.CharField(max_length=401)),
                ("item", models.CharField(max_length=200)),
                ("column", models.CharField(blank=True, default="", max_length=200)),
                ("by", models.JSONField(default=dict)),
                ("place", models.CharField(blank=True, default="", max_length=400)),
                ("unit", models.CharField(blank=True, default="", max_length=40)),
            ],
        ),
        migrations.CreateModel(
            name="Value",
            fields=[
                ("id", _number()),
                ("run", models.BigIntegerField()),
                ("subrun", models.BigIntegerField()),
                ("at", models.FloatField()),
                ("value", models.FloatField(null=True)),
                ("error", models.FloatField(null=True)),
                ("status", models.CharField(max_length=8)),
                ("good_low", models.FloatField(null=True)),
                ("good_high", models.FloatField(null=True)),
                ("warn_low", models.FloatField(null=True)),
                ("warn_high", models.FloatField(null=True)),
                ("deviation", models.FloatField(null=True)),
                ("reference", models.BigIntegerField(null=True)),
                (
                    "result",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="results.result"),
                ),
                (
                    "series",
                    models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to="results.series"),
                ),
            ],
        ),
        migrations.AddField(
            model_name="result",
            name="subject",
            field=models.BigIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="result",
            index=models.Index(fields=["subject", "job", "attempt"], name="result_newest"),
        ),
        # How it is read: no change of the table.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="item",
                    name="detail",
                    field=models.JSONField(decoder=p3s.server.results.models.Numbers, default=dict),
                ),
            ]
        ),
        migrations.AddConstraint(
            model_name="limit",
            constraint=models.UniqueConstraint(fields=("category", "item"), name="limit_once"),
        ),
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["category", "name", "place"], name="series_by_name"),
        ),
        migrations.AddIndex(
            model_name="value",
            index=models.Index(fields=["series", "run", "subrun", "id"], name="value_trend"),
        ),
    ]
