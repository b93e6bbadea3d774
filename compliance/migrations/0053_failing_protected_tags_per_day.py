"""How many failing tags were protected is kept with each day from now on; what is closed already stays without it."""

from django.db import migrations, models

COUNTS = ("evaluated", "passed", "failed", "unknown", "waived", "new", "fixed", "regressed", "overdue")
# A sum with something missing would be another number: sum() leaves it out, plus makes nothing of it.
PROTECTED = "CASE WHEN count(s.failed_protected) = count(*) THEN sum(s.failed_protected) END"


def adding(*more: tuple[str, str]) -> str:
    """The function of the triggers on closed snapshots.

    :param more: columns, and what is added up in them.
    """
    sums = [*((name, f"sum(s.{name})") for name in COUNTS), *more]
    sums += [("scored", "count(s.score)"), ("score_sum", "COALESCE(sum(s.score), 0)")]
    return f"""
CREATE OR REPLACE FUNCTION compliance_add_closed_snapshots() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM written WHERE closed) THEN
    INSERT INTO compliance_fleetday AS kept
      (day, registry_id, policy_version_id, {", ".join(name for name, _ in sums)})
    SELECT s.day, r.registry_id, s.policy_version_id, {", ".join(sum_ for _, sum_ in sums)}
    FROM written s JOIN compliance_repository r ON r.id = s.repository_id
    WHERE s.closed
    GROUP BY s.day, r.registry_id, s.policy_version_id
    ORDER BY s.day, r.registry_id, s.policy_version_id
    ON CONFLICT (day, registry_id, policy_version_id) DO UPDATE SET
      {", ".join(f"{name} = kept.{name} + excluded.{name}" for name, _ in sums)};
  END IF;
  RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('compliance', '0052_worst_repositories_from_an_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='dailysnapshot',
            name='failed_protected',
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name='fleetday',
            name='failed_protected',
            field=models.BigIntegerField(null=True),
        ),
        migrations.RunSQL(adding(('failed_protected', PROTECTED)), adding()),
    ]
