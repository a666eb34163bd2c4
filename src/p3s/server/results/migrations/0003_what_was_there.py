"""Results that are there already: what each is about, and their numbers as trends.

The rules are copied as they were on this day, and must not change with those of `results.identity`.
"""

import hashlib
from datetime import datetime

import orjson
from django.db import migrations

PORTION = 2_000
NO_NUMBER = -(2**63)


def _key(parts):
    text = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def subjects(apps, _):
    """What each result is about."""
    Result = apps.get_model("results", "Result")
    last = 0
    while rows := list(Result.objects.filter(pk__gt=last).select_related("job").order_by("pk")[:PORTION]):
        for row in rows:
            job = row.job
            origin = "" if row.run is not None else (job.dataset_id or job.uuid)
            row.subject = _key([job.jobtype_id, row.category, row.run, origin, row.subrun, row.keys])
        Result.objects.bulk_update(rows, ["subject"], batch_size=500)
        last = rows[-1].pk


def trends(apps, _):
    """The numbers, with the limits that they were published with."""
    Item, Series, Value = (apps.get_model("results", name) for name in ("Item", "Series", "Value"))
    numbers = Item.objects.filter(kind="number", problem="").select_related("result").order_by("pk")
    last = 0
    while rows := list(numbers.filter(pk__gt=last)[:PORTION]):
        series = {_key([row.result.category, row.name, "", row.by]): row for row in rows}
        known = set(Series.objects.filter(pk__in=series).values_list("pk", flat=True))
        Series.objects.bulk_create(
            Series(
                pk=key,
                category=row.result.category,
                name=row.name,
                item=row.name,
                by=row.by,
                place=_place(row.by),
                unit=row.unit,
            )
            for key, row in series.items()
            if key not in known
        )
        Value.objects.bulk_create([_value(Value, row) for row in rows], batch_size=500)
        last = rows[-1].pk


def _value(Value, row):
    good, warn = (_pair(row.detail.get(name)) for name in ("good", "warn"))
    result = row.result
    return Value(
        series_id=_key([result.category, row.name, "", row.by]),
        result=result,
        run=NO_NUMBER if result.run is None else result.run,
        subrun=NO_NUMBER if result.subrun is None else result.subrun,
        at=_moment(result.data_time) or result.published_at,
        value=row.value,
        error=row.error,
        status=row.status,
        good_low=good[0],
        good_high=good[1],
        warn_low=warn[0],
        warn_high=warn[1],
    )


def _place(by):
    return ",".join(
        f"{name}={value:020d}" if isinstance(value, int) else f"{name}={value}" for name, value in by.items()
    )[:400]


def _pair(limits):
    return limits if isinstance(limits, list) and len(limits) == 2 else (None, None)


def _moment(text):
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None


class Migration(migrations.Migration):
    dependencies = [("results", "0002_trends")]

    operations = [
        migrations.RunPython(subjects, migrations.RunPython.noop),
        migrations.RunPython(trends, migrations.RunPython.noop),
    ]
