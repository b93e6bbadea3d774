"""A closed day never changes: Postgres refuses, whoever asks."""

from django.db import migrations

CREATE = """
CREATE FUNCTION compliance_refuse_closed_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the snapshot of % is closed and never changes', OLD.day
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER closed_snapshot_is_immutable
  BEFORE UPDATE OR DELETE ON compliance_dailysnapshot
  FOR EACH ROW WHEN (OLD.closed) EXECUTE FUNCTION compliance_refuse_closed_snapshot();
"""
DROP = """
DROP TRIGGER closed_snapshot_is_immutable ON compliance_dailysnapshot;
DROP FUNCTION compliance_refuse_closed_snapshot();
"""


class Migration(migrations.Migration):
    dependencies = [("compliance", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]
