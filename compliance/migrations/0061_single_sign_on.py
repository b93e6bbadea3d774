"""Single sign-on: what groups give, and which group gave a membership or a role; with its history in the audit trail."""

import django.db.models.deletion
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('compliance', '0060_indexes_that_repeat_a_platform'),
    ]

    operations = [
        migrations.CreateModel(
            name='GroupGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('group', models.CharField(max_length=200)),
                ('role', models.CharField(choices=[('viewer', 'Viewer of the team'), ('triager', 'Triager of the team'), ('lead', 'Lead of the team'), ('auditor', 'Auditor: sees everything'), ('security', 'Security: sees everything, works on every finding'), ('admin', 'Administrator')], max_length=16)),
            ],
            options={
                'verbose_name': 'what a group gives',
                'ordering': ['group', 'team__name'],
            },
        ),
        migrations.CreateModel(
            name='GroupGrantHistory',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('pgh_context', pghistory.utils.JSONField(null=True)),
                ('group', models.CharField(max_length=200)),
                ('role', models.CharField(choices=[('viewer', 'Viewer of the team'), ('triager', 'Triager of the team'), ('lead', 'Lead of the team'), ('auditor', 'Auditor: sees everything'), ('security', 'Security: sees everything, works on every finding'), ('admin', 'Administrator')], max_length=16)),
            ],
            options={
                'abstract': False,
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='membership',
            name='added_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='membership',
            name='changed_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='membership',
            name='removed_delete',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='user',
            name='added_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='user',
            name='changed_update',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='user',
            name='removed_delete',
        ),
        migrations.AddField(
            model_name='membership',
            name='group',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='membershiphistory',
            name='group',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='user',
            name='role_group',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AddField(
            model_name='userhistory',
            name='role_group',
            field=models.CharField(blank=True, db_default='', default='', max_length=200),
        ),
        migrations.AlterField(
            model_name='auditevent',
            name='action',
            field=models.CharField(choices=[('added', 'Added'), ('changed', 'Changed'), ('removed', 'Removed'), ('known', 'Was there when the trail began'), ('login', 'Logged in'), ('login_failed', 'Login failed'), ('logout', 'Logged out'), ('sessions_ended', 'Sessions ended'), ('password_set', 'Password set'), ('link_made', 'Link to set a password made'), ('exported', 'Exported'), ('secret_changed', 'Secret changed'), ('secret_shown', 'Secret shown'), ('secret_rotated', 'Secret rotated'), ('passkey_added', 'Passkey added'), ('passkey_renamed', 'Passkey renamed'), ('passkey_removed', 'Passkey removed'), ('passkey_used', 'Passkey used'), ('factor_added', 'Second factor turned on'), ('factor_removed', 'Second factor turned off'), ('factor_reset', 'Second factor reset'), ('codes_made', 'Recovery codes made'), ('code_used', 'Recovery code used'), ('identity_added', 'Single sign-on connected'), ('identity_removed', 'Single sign-on disconnected'), ('role_kept', 'Last administrator kept'), ('keys_rotated', 'Credential keys rotated')], max_length=32),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membership',
            trigger=pgtrigger.compiler.Trigger(name='added_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "compliance_membershiphistory" ("group", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "team_id", "user_id") SELECT new_values."group", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'added\', new_values."id", new_values."role", new_values."team_id", new_values."user_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;', hash='fa9bc83a2eaf77579888b91d0b79514f849a4826', level='STATEMENT', operation='INSERT', pgid='pgtrigger_added_insert_f3473', referencing='REFERENCING NEW TABLE AS new_values ', table='compliance_membership', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membership',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "compliance_membershiphistory" ("group", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "team_id", "user_id") SELECT new_values."group", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'changed\', new_values."id", new_values."role", new_values."team_id", new_values."user_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."group" IS DISTINCT FROM (new_values."group") OR old_values."role" IS DISTINCT FROM (new_values."role") OR old_values."team_id" IS DISTINCT FROM (new_values."team_id") OR old_values."user_id" IS DISTINCT FROM (new_values."user_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;', hash='25032730bcb8bd2dd67801a08c191c170f74ee8c', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_changed_update_e184a', referencing='REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ', table='compliance_membership', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='membership',
            trigger=pgtrigger.compiler.Trigger(name='removed_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "compliance_membershiphistory" ("group", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "team_id", "user_id") SELECT old_values."group", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'removed\', old_values."id", old_values."role", old_values."team_id", old_values."user_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;', hash='38c52ee6dc54519f028106ec28196b1de168f9d3', level='STATEMENT', operation='DELETE', pgid='pgtrigger_removed_delete_39716', referencing='REFERENCING OLD TABLE AS old_values ', table='compliance_membership', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='user',
            trigger=pgtrigger.compiler.Trigger(name='added_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "compliance_userhistory" ("email", "is_active", "is_superuser", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "role_group", "username") SELECT new_values."email", new_values."is_active", new_values."is_superuser", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'added\', new_values."id", new_values."role", new_values."role_group", new_values."username" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;', hash='e772e72770b5d11af0920675635b479b43be4fda', level='STATEMENT', operation='INSERT', pgid='pgtrigger_added_insert_37a2b', referencing='REFERENCING NEW TABLE AS new_values ', table='compliance_user', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='user',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "compliance_userhistory" ("email", "is_active", "is_superuser", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "role_group", "username") SELECT new_values."email", new_values."is_active", new_values."is_superuser", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'changed\', new_values."id", new_values."role", new_values."role_group", new_values."username" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."email" IS DISTINCT FROM (new_values."email") OR old_values."is_active" IS DISTINCT FROM (new_values."is_active") OR old_values."is_superuser" IS DISTINCT FROM (new_values."is_superuser") OR old_values."role" IS DISTINCT FROM (new_values."role") OR old_values."role_group" IS DISTINCT FROM (new_values."role_group") OR old_values."username" IS DISTINCT FROM (new_values."username")) ) AS new_values, _pgh_attached_context; RETURN NULL;', hash='4a5e38bfc4bfa6283584f28f093779cf12021ce4', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_changed_update_fc56c', referencing='REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ', table='compliance_user', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='user',
            trigger=pgtrigger.compiler.Trigger(name='removed_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "compliance_userhistory" ("email", "is_active", "is_superuser", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "role_group", "username") SELECT old_values."email", old_values."is_active", old_values."is_superuser", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'removed\', old_values."id", old_values."role", old_values."role_group", old_values."username" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;', hash='2baeeda957e35ae3ebb51f38e204756bc175ef96', level='STATEMENT', operation='DELETE', pgid='pgtrigger_removed_delete_9f236', referencing='REFERENCING OLD TABLE AS old_values ', table='compliance_user', when='AFTER')),
        ),
        migrations.AddField(
            model_name='groupgrant',
            name='team',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='grants', to='compliance.team'),
        ),
        migrations.AddField(
            model_name='groupgranthistory',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='compliance.groupgrant'),
        ),
        migrations.AddField(
            model_name='groupgranthistory',
            name='team',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='compliance.team'),
        ),
        migrations.AddConstraint(
            model_name='groupgrant',
            constraint=models.UniqueConstraint(fields=('group', 'team'), name='group_grant_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='groupgrant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('role__in', ['auditor', 'security', 'admin']), ('team', None)), models.Q(('role__in', ['viewer', 'triager', 'lead']), ('team__isnull', False)), _connector='OR'), name='group_grant_is_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='groupgrant',
            trigger=pgtrigger.compiler.Trigger(name='added_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "compliance_groupgranthistory" ("group", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "team_id") SELECT new_values."group", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'added\', new_values."id", new_values."role", new_values."team_id" FROM ( SELECT new_values.* FROM new_values  ) AS new_values, _pgh_attached_context; RETURN NULL;', hash='fbc05c2977b5eebddccfa360ed333ba60bfb846e', level='STATEMENT', operation='INSERT', pgid='pgtrigger_added_insert_70f79', referencing='REFERENCING NEW TABLE AS new_values ', table='compliance_groupgrant', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='groupgrant',
            trigger=pgtrigger.compiler.Trigger(name='changed_update', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "compliance_groupgranthistory" ("group", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "team_id") SELECT new_values."group", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'changed\', new_values."id", new_values."role", new_values."team_id" FROM ( SELECT new_values.* FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values."group" IS DISTINCT FROM (new_values."group") OR old_values."role" IS DISTINCT FROM (new_values."role") OR old_values."team_id" IS DISTINCT FROM (new_values."team_id")) ) AS new_values, _pgh_attached_context; RETURN NULL;', hash='8ad8f5f3faaf93d0df69b2bd80dbb7437b6b4772', level='STATEMENT', operation='UPDATE', pgid='pgtrigger_changed_update_388cd', referencing='REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ', table='compliance_groupgrant', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='groupgrant',
            trigger=pgtrigger.compiler.Trigger(name='removed_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='WITH _pgh_attached_context AS ( SELECT _pgh_attach_context() AS value ) INSERT INTO "compliance_groupgranthistory" ("group", "pgh_context", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "team_id") SELECT old_values."group", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, NOW(), \'removed\', old_values."id", old_values."role", old_values."team_id" FROM ( SELECT old_values.* FROM old_values  ) AS old_values, _pgh_attached_context; RETURN NULL;', hash='e505258d57bec0ded4b26bbfbaf7d8b83d0ea415', level='STATEMENT', operation='DELETE', pgid='pgtrigger_removed_delete_130ba', referencing='REFERENCING OLD TABLE AS old_values ', table='compliance_groupgrant', when='AFTER')),
        ),
        migrations.RunSQL(
            """
            CREATE TRIGGER copy_to_audit AFTER INSERT ON compliance_groupgranthistory REFERENCING NEW TABLE AS added
                FOR EACH STATEMENT EXECUTE FUNCTION plimsoll_copy_to_audit('groupgrant');
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_groupgranthistory
                FOR EACH STATEMENT EXECUTE FUNCTION plimsoll_refuse();
            CREATE TRIGGER not_emptied BEFORE TRUNCATE ON compliance_groupgrant
                FOR EACH STATEMENT EXECUTE FUNCTION plimsoll_refuse_to_empty();
            """,
            """
            DROP TRIGGER not_emptied ON compliance_groupgrant;
            DROP TRIGGER copy_to_audit ON compliance_groupgranthistory;
            DROP TRIGGER append_only ON compliance_groupgranthistory;
            """,
        ),
    ]
