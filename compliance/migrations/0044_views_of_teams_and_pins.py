"""A view can be shared with one team, and is a tab for whom it is pinned: for everybody who has not said otherwise."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("compliance", "0043_environments")]

    operations = [
        migrations.AddField(
            model_name="savedview",
            name="team",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="compliance.team",
            ),
        ),
        migrations.AddField(
            model_name="savedview",
            name="unpinned_by",
            field=models.ManyToManyField(related_name="+", to=settings.AUTH_USER_MODEL),
        ),
    ]
