"""A closed day still never changes, but goes with its registry when somebody deletes that, and says which."""

from django.db import migrations

CHANGE = """
CREATE OR REPLACE FUNCTION compliance_refuse_closed_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND EXISTS (
    SELECT FROM compliance_repository r
    WHERE r.id = OLD.repository_id
      AND r.registry_id::text = current_setting('plimsoll.deleted_registry', true)
  ) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the snapshot of % is closed and never changes', OLD.day
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""
BACK = """
CREATE OR REPLACE FUNCTION compliance_refuse_closed_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the snapshot of % is closed and never changes', OLD.day
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("compliance", "0014_lists_of_scans")]
    operations = [migrations.RunSQL(CHANGE, BACK)]
