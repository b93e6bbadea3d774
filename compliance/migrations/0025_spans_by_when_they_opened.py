"""What was opened in a window is counted without looking at every episode there ever was."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("compliance", "0024_outbox")]

    operations = [
        migrations.AddIndex(
            model_name="findingspan",
            index=models.Index(fields=["opened_at"], name="finding_span_all_opened"),
        ),
    ]
