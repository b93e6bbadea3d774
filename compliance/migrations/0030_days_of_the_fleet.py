"""Closed days are added up once, whoever closes them; what trends of teams and causes of findings read is in indexes."""

import django.db.models.deletion
from django.db import migrations, models

COUNTS = "evaluated, passed, failed, unknown, waived, new, fixed, regressed, overdue"
SUMS = ", ".join(f"sum(s.{name})" for name in COUNTS.split(", "))
ADD = f"""
  INSERT INTO compliance_fleetday AS kept
    (day, registry_id, policy_version_id, {COUNTS}, scored, score_sum)
  SELECT s.day, r.registry_id, s.policy_version_id, {SUMS}, count(s.score), COALESCE(sum(s.score), 0)
  FROM {{rows}} s JOIN compliance_repository r ON r.id = s.repository_id
  WHERE s.closed
  GROUP BY s.day, r.registry_id, s.policy_version_id
  ORDER BY s.day, r.registry_id, s.policy_version_id
  ON CONFLICT (day, registry_id, policy_version_id) DO UPDATE SET
    {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in (*COUNTS.split(", "), "scored", "score_sum"))};
"""
# A closed row never changes, so a row that is closed after an update was not before.
TRIGGERS = f"""
CREATE FUNCTION compliance_add_closed_snapshots() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM written WHERE closed) THEN {ADD.format(rows="written")}
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER closed_snapshots_inserted AFTER INSERT ON compliance_dailysnapshot
  REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION compliance_add_closed_snapshots();
CREATE TRIGGER closed_snapshots_updated AFTER UPDATE ON compliance_dailysnapshot
  REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION compliance_add_closed_snapshots();
{ADD.format(rows="compliance_dailysnapshot")}
"""
BACK = """
DROP TRIGGER closed_snapshots_inserted ON compliance_dailysnapshot;
DROP TRIGGER closed_snapshots_updated ON compliance_dailysnapshot;
DROP FUNCTION compliance_add_closed_snapshots();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('compliance', '0029_audit_by_people'),
    ]

    operations = [
        migrations.CreateModel(
            name='FleetDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('evaluated', models.BigIntegerField()),
                ('passed', models.BigIntegerField()),
                ('failed', models.BigIntegerField()),
                ('unknown', models.BigIntegerField()),
                ('waived', models.BigIntegerField()),
                ('new', models.BigIntegerField()),
                ('fixed', models.BigIntegerField()),
                ('regressed', models.BigIntegerField()),
                ('overdue', models.BigIntegerField()),
                ('scored', models.BigIntegerField()),
                ('score_sum', models.DecimalField(decimal_places=1, max_digits=14)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='dailysnapshot',
            name='snapshot_once_a_day',
        ),
        migrations.RemoveIndex(
            model_name='finding',
            name='finding_rule',
        ),
        migrations.AddIndex(
            model_name='finding',
            index=models.Index(condition=models.Q(('status__in', ['fix_claimed', 'in_progress', 'new', 'open', 'regressed'])), fields=['rule', 'subject', 'repository'], name='finding_cause'),
        ),
        migrations.AddIndex(
            model_name='findingevent',
            index=models.Index(condition=models.Q(('kind', 'waiver'), ('was', '')), fields=['finding', 'at'], name='finding_event_waived'),
        ),
        migrations.AddConstraint(
            model_name='dailysnapshot',
            constraint=models.UniqueConstraint(fields=('repository', 'day'), include=('policy_version', 'evaluated', 'passed', 'failed', 'unknown', 'waived', 'new', 'fixed', 'regressed', 'overdue', 'score', 'closed'), name='snapshot_once_a_day'),
        ),
        migrations.AddField(
            model_name='fleetday',
            name='policy_version',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='compliance.policyversion'),
        ),
        migrations.AddField(
            model_name='fleetday',
            name='registry',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='compliance.registry'),
        ),
        migrations.AddConstraint(
            model_name='fleetday',
            constraint=models.UniqueConstraint(fields=('day', 'registry', 'policy_version'), name='fleet_day_once'),
        ),
        migrations.RunSQL(TRIGGERS, BACK),
    ]
