"""The timeline says who had the tags of a finding scanned again. Nothing of the tables changes."""

from django.db import migrations, models

_KINDS = [
    ("found", "Found"),
    ("status", "Status"),
    ("assignee", "Assigned"),
    ("due", "Due date"),
    ("comment", "Comment"),
    ("waiver", "Waiver"),
    ("claim_refuted", "Claim refuted by a scan"),
    ("claim_confirmed", "Claim confirmed by a scan"),
    ("spread", "Tags with it changed"),
    ("baseline", "Baseline"),
    ("rescan", "Its tags are scanned again"),
]


class Migration(migrations.Migration):
    dependencies = [("compliance", "0037_who_pushed")]

    operations = [
        migrations.AlterField(
            model_name="findingevent", name="kind", field=models.CharField(choices=_KINDS, max_length=16)
        ),
    ]
