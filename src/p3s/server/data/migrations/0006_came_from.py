from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("data", "0005_outcome"),
    ]

    operations = [
        migrations.AddField(
            model_name="dataset",
            name="came_from",
            field=models.CharField(max_length=2000, null=True),
        ),
        migrations.AddIndex(
            model_name="dataset",
            index=models.Index(
                condition=models.Q(("came_from__isnull", False)), fields=["came_from"], name="dataset_by_origin"
            ),
        ),
    ]
