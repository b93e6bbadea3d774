"""Who owns a repository is in the audit trail, and what people decide is not emptied or rewritten behind it.

Scans write repositories all the time, so theirs is no history of whole rows: one line for each change of the owner,
with names, since a team may be gone when it is read.
"""

from django.db import migrations

DECIDED = [
    "user", "team", "membership", "ownershiprule", "registry", "policy", "policyassignment", "webhookendpoint",
    "finding", "waiver", "slaterm", "apitoken", "retention", "factorrule", "labelset",
]
CONTEXT = "coalesce(nullif(current_setting('pghistory.context_metadata', true), '')::jsonb, '{}'::jsonb)"

OWNERS = f"""
CREATE FUNCTION plimsoll_audit_owner() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO compliance_auditevent (action, actor_name, kind, object, name, data, source, key)
    VALUES ('changed', coalesce({CONTEXT} ->> 'who', ''), 'repository', NEW.id::text, NEW.name,
            jsonb_build_object('team', coalesce((SELECT name FROM compliance_team WHERE id = NEW.team_id), 'nobody'),
                               'before', coalesce((SELECT name FROM compliance_team WHERE id = OLD.team_id), 'nobody'),
                               'whatever_rules_say', NEW.team_pinned), '', '');
    RETURN NULL;
END $body$;

CREATE TRIGGER owner_to_audit AFTER UPDATE OF team_id, team_pinned ON compliance_repository FOR EACH ROW
    WHEN (OLD.team_id IS DISTINCT FROM NEW.team_id OR OLD.team_pinned IS DISTINCT FROM NEW.team_pinned)
    EXECUTE FUNCTION plimsoll_audit_owner();
"""
NO_OWNERS = "DROP TRIGGER owner_to_audit ON compliance_repository; DROP FUNCTION plimsoll_audit_owner();"

# The trail names the version that counts: what that says must be what it said.
VERSIONS = """
CREATE TRIGGER version_stays BEFORE UPDATE OF policy_id, number, document ON compliance_policyversion FOR EACH ROW
    WHEN ((OLD.policy_id, OLD.number, OLD.document) IS DISTINCT FROM (NEW.policy_id, NEW.number, NEW.document))
    EXECUTE FUNCTION plimsoll_refuse();
"""

EMPTIED = """
CREATE FUNCTION plimsoll_refuse_to_empty() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION '% is not emptied at once: the audit trail would not know of its rows; use DELETE', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $body$;
"""


def _kept(kind):
    table = f"compliance_{kind}"
    return migrations.RunSQL(
        f"CREATE TRIGGER not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
        " EXECUTE FUNCTION plimsoll_refuse_to_empty();",
        f"DROP TRIGGER not_emptied ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("compliance", "0057_trends_of_findings_from_an_index")]

    operations = [
        migrations.RunSQL(OWNERS, NO_OWNERS),
        migrations.RunSQL(VERSIONS, "DROP TRIGGER version_stays ON compliance_policyversion;"),
        migrations.RunSQL(EMPTIED, "DROP FUNCTION plimsoll_refuse_to_empty();"),
        *map(_kept, DECIDED),
    ]
