"""Who sees everything sees what teams share among themselves, and has it as a tab only where they pinned it."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("compliance", "0046_waivers_of_the_last_day_are_settled")]

    operations = [
        migrations.AddField(
            model_name="savedview",
            name="pinned_by",
            field=models.ManyToManyField(related_name="+", to=settings.AUTH_USER_MODEL),
        ),
    ]
