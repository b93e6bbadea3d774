"""Histories are copied into the audit trail; neither can be changed or emptied. Rows that are there are its beginning."""

from django.db import migrations

HISTORIES = [
    "user", "team", "membership", "ownershiprule", "registry", "policy", "policyassignment", "webhookendpoint",
    "finding", "waiver", "slaterm",
]
NAMES = "data ->> 'name', data ->> 'username', data ->> 'title', data ->> 'pattern', data ->> 'rule', ''"
CONTEXT = "coalesce(nullif(current_setting('pghistory.context_metadata', true), '')::jsonb, '{}'::jsonb)"

FUNCTIONS = f"""
-- What the context of the connection says of the person; the name, so that it is known when the person is gone.
CREATE FUNCTION plimsoll_copy_to_audit() RETURNS trigger LANGUAGE plpgsql SET TimeZone TO 'UTC' AS $body$
BEGIN
    INSERT INTO compliance_auditevent
        (at, action, actor, actor_name, kind, object, name, data, context, source, source_row, key)
    SELECT pgh_created_at, pgh_label, (context ->> 'user')::bigint, coalesce(context ->> 'who', ''), TG_ARGV[0],
           pgh_obj_id::text, left(coalesce({NAMES}), 300), data, context, TG_TABLE_NAME, pgh_id, ''
    FROM (
        SELECT pgh_id, pgh_created_at, pgh_label, pgh_obj_id, coalesce(pgh_context, '{{}}'::jsonb) AS context,
               plimsoll_history_data(to_jsonb(added)) AS data
        FROM added
    ) AS copied ORDER BY pgh_id;
    RETURN NULL;
END $body$;

CREATE FUNCTION plimsoll_history_data(history jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $body$
    SELECT history - ARRAY['pgh_id', 'pgh_created_at', 'pgh_label', 'pgh_obj_id', 'pgh_context']
$body$;

CREATE FUNCTION plimsoll_refuse() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $body$;

-- Sealing fills four empty columns, once.
CREATE TRIGGER append_only_rows BEFORE UPDATE ON compliance_auditevent FOR EACH ROW
    WHEN (OLD.number IS NOT NULL OR to_jsonb(OLD) - ARRAY['number', 'link', 'mac', 'key']
          IS DISTINCT FROM to_jsonb(NEW) - ARRAY['number', 'link', 'mac', 'key'])
    EXECUTE FUNCTION plimsoll_refuse();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON compliance_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION plimsoll_refuse();
"""

NO_FUNCTIONS = """
DROP TRIGGER append_only_rows ON compliance_auditevent;
DROP TRIGGER append_only ON compliance_auditevent;
DROP FUNCTION plimsoll_copy_to_audit();
DROP FUNCTION plimsoll_history_data(jsonb);
DROP FUNCTION plimsoll_refuse();
"""


def _triggers(kind):
    table = f"compliance_{kind}history"
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER copy_to_audit AFTER INSERT ON {table} REFERENCING NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION plimsoll_copy_to_audit('{kind}');
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION plimsoll_refuse();
        """,
        f"DROP TRIGGER copy_to_audit ON {table}; DROP TRIGGER append_only ON {table};",
    )


def begin(apps, schema_editor):
    """What is there already, so that the first change of it says what it was before."""
    for kind in HISTORIES:
        if kind == "finding":
            continue
        model = apps.get_model("compliance", f"{kind}history")
        columns = [
            field.column for field in model._meta.concrete_fields
            if not field.name.startswith("pgh_")
        ]
        names = ", ".join(f'"{column}"' for column in columns)
        schema_editor.execute(
            f"INSERT INTO compliance_{kind}history ({names}, pgh_created_at, pgh_label, pgh_obj_id) "
            f"SELECT {names}, now(), 'known', id FROM compliance_{kind} ORDER BY id"
        )


class Migration(migrations.Migration):
    dependencies = [("compliance", "0021_audit")]

    operations = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        *map(_triggers, HISTORIES),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
