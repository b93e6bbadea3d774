from django.db import migrations

# What was approved before there were such rows, or by an old process during the upgrade.
_RECENT = """
INSERT INTO compliance_unsettledwaiver (waiver_id)
SELECT id FROM compliance_waiver
WHERE approved_at > now() - interval '1 day' AND revoked_at IS NULL AND expires_at > now()
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("compliance", "0045_urgent_findings_from_the_index"),
    ]

    operations = [
        migrations.RunSQL(_RECENT, migrations.RunSQL.noop),
    ]
