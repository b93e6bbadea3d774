"""Outlines between facts and verdicts; policies people edit; the policy of each repository; judging again as work.

Evaluations are made anew from outlines, so the old ones are dropped: `manage.py prepare` asks every image again.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

_TAKE_THE_POLICY_OF_THE_REGISTRY = """
UPDATE compliance_repository AS r SET policy_id = g.policy_id FROM compliance_registry g WHERE g.id = r.registry_id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('compliance', '0006_unconfirmed_and_protected_tags_raw_config'),
    ]

    operations = [
        migrations.CreateModel(
            name='Outline',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('text', models.TextField()),
            ],
        ),
        migrations.AddField(
            model_name='image',
            name='identity',
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddField(
            model_name='image',
            name='outline',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='images', to='compliance.outline'),
        ),
        migrations.AddField(
            model_name='image',
            name='outline_revision',
            field=models.PositiveIntegerField(db_index=True, default=0),
        ),
        migrations.DeleteModel(name='Evaluation'),
        migrations.CreateModel(
            name='Evaluation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verdict', models.CharField(choices=[('pass', 'Pass'), ('fail', 'Fail'), ('unknown', 'Unknown'), ('not_applicable', 'Not applicable')], max_length=16)),
                ('score', models.PositiveSmallIntegerField(null=True)),
                ('failed_on', models.JSONField(default=list)),
                ('unsure_of', models.JSONField(default=list)),
                ('violated', models.JSONField(default=list)),
                ('evaluated_at', models.DateTimeField()),
                ('outline', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='evaluations', to='compliance.outline')),
                ('policy_version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='evaluations', to='compliance.policyversion')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('outline', 'policy_version'), name='evaluation_once'),
                    models.CheckConstraint(condition=models.Q(('score', None), ('score__lte', 100), _connector='OR'), name='evaluation_score_range'),
                ],
            },
        ),
        migrations.AddField(
            model_name='policyversion',
            name='edited',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='policyversion',
            name='author',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='policyversion',
            name='note',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.CreateModel(
            name='PolicyAssignment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pattern', models.CharField(max_length=255)),
                ('position', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField()),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assignments', to='compliance.policy')),
                ('registry', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='policy_assignments', to='compliance.registry')),
            ],
            options={
                'ordering': ['registry', 'position', 'pk'],
                'constraints': [models.UniqueConstraint(fields=('registry', 'pattern'), name='policy_assignment_once', nulls_distinct=False)],
            },
        ),
        migrations.AddField(
            model_name='repository',
            name='judged_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='compliance.policyversion'),
        ),
        migrations.AddField(
            model_name='repository',
            name='policy',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='repositories', to='compliance.policy'),
        ),
        migrations.RunSQL(_TAKE_THE_POLICY_OF_THE_REGISTRY, migrations.RunSQL.noop),
        # Else its foreign keys are still to be checked when the column is changed, which Postgres refuses.
        migrations.RunSQL('SET CONSTRAINTS ALL IMMEDIATE', migrations.RunSQL.noop),
        migrations.AlterField(
            model_name='repository',
            name='policy',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='repositories', to='compliance.policy'),
        ),
        migrations.AlterField(
            model_name='tag',
            name='judged_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='compliance.policyversion'),
        ),
        migrations.CreateModel(
            name='Rejudging',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('lease_token', models.UUIDField(blank=True, null=True)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], default='queued', max_length=16)),
                ('requested_at', models.DateTimeField()),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('total', models.PositiveIntegerField(default=0)),
                ('done', models.PositiveIntegerField(default=0)),
                ('changed', models.PositiveIntegerField(default=0)),
                ('policy', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='rejudging', to='compliance.policy')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='compliance.policyversion')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ['queued', 'running'])), fields=['lease_until'], name='rejudging_unfinished')],
            },
        ),
    ]
