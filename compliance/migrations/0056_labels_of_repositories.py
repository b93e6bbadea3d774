"""People give labels to repositories: a table that scans do not write, with its history in the audit trail."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compliance', '0055_views_by_mail'),
    ]

    operations = [
        migrations.CreateModel(
            name='LabelSet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('labels', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), size=None)),
                ('repository', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='label_set', to='compliance.repository')),
            ],
            options={
                'verbose_name': 'labels of a repository',
            },
        ),
        migrations.CreateModel(
            name='LabelSetHistory',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_context', pghistory.utils.JSONField(null=True)),
                ('labels', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), size=None)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='compliance.labelset')),
                ('repository', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='compliance.repository')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddIndex(
            model_name='labelset',
            index=django.contrib.postgres.indexes.GinIndex(fields=['labels'], name='label_set_labels'),
        ),
        migrations.AddConstraint(
            model_name='labelset',
            constraint=models.CheckConstraint(condition=models.Q(('labels__len__lte', 20)), name='label_set_not_too_long'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='labelset',
            trigger=pgtrigger.compiler.Trigger(name='added_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "compliance_labelsethistory" ("labels", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "repository_id") SELECT new_values."labels", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'added\', new_values."id", new_values."repository_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;', hash='18c9e72bab50a975512631c803a35c0f4e8aa275', level='STATEMENT', operation='INSERT', pgid='pgtrigger_added_insert_5575c', referencing='REFERENCING NEW TABLE AS new_values ', table='compliance_labelset', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='labelset',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "compliance_labelsethistory" ("labels", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "repository_id") SELECT new_values."labels", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'changed\', new_values."id", new_values."repository_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."labels" IS DISTINCT FROM (new_values."labels") OR old_values."repository_id" IS DISTINCT FROM (new_values."repository_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;', hash='f6ebdb660787550d0c34e87431c6560040835555', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_changed_update_81f39', referencing='REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ', table='compliance_labelset', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='labelset',
            trigger=pgtrigger.compiler.Trigger(name='removed_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "compliance_labelsethistory" ("labels", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "repository_id") SELECT old_values."labels", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'removed\', old_values."id", old_values."repository_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;', hash='3c0a0ff9d0eee35397e72e2a28843a4ff1cfbe87', level='STATEMENT', operation='DELETE', pgid='pgtrigger_removed_delete_c72fa', referencing='REFERENCING OLD TABLE AS old_values ', table='compliance_labelset', when='AFTER')),
        ),
        migrations.RunSQL(
            """
            CREATE TRIGGER copy_to_audit AFTER INSERT ON compliance_labelsethistory REFERENCING NEW TABLE AS added
                FOR EACH STATEMENT EXECUTE FUNCTION plimsoll_copy_to_audit('labelset');
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_labelsethistory
                FOR EACH STATEMENT EXECUTE FUNCTION plimsoll_refuse();
            """,
            """
            DROP TRIGGER copy_to_audit ON compliance_labelsethistory;
            DROP TRIGGER append_only ON compliance_labelsethistory;
            """,
        ),
    ]
