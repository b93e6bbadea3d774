"""Write many rows in one statement whose size does not grow with them: they travel as one JSON parameter.

Django's ``bulk_update`` builds a CASE per row and column, which takes longer than judging the images it stores.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.db.models.expressions import RawSQL


def among(column: str, ids: Iterable[int]) -> models.Func:
    """A condition: the column is one of these, which travel as one parameter.

    Postgres looks each up by hash or by index. Of ``IN (SELECT unnest(…))`` it compares each with each when it expects
    few rows, which it does of what was written a moment ago.
    """
    array = RawSQL("%s::bigint[]", [f"{{{','.join(map(str, ids))}}}"])
    return models.Func(
        models.F(column), array, template="%(expressions)s)", arg_joiner=" = ANY(", output_field=models.BooleanField()
    )


def update_rows(rows: Sequence[models.Model], columns: Iterable[str]) -> None:
    """Write these fields of saved rows of one model.

    :param columns: names of fields.
    """
    if not rows:
        return
    meta = rows[0]._meta
    fields = [_field(meta.get_field(name)) for name in columns]
    key = _field(meta.pk)
    assignments = ", ".join(f'"{field.column}" = new."{field.column}"' for field in fields)
    sql = (
        f'UPDATE "{meta.db_table}" AS old SET {assignments} FROM {_recordset([key, *fields])}'  # noqa: S608  # names of our own columns
        f' WHERE old."{key.column}" = new."{key.column}"'
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [_document(rows, [key, *fields])])


def upsert_rows(rows: Sequence[models.Model], unique: Sequence[str], *, replace: bool) -> None:
    """Insert rows of one model; their ids are not set.

    :param unique: fields of the unique constraint that a row may already be there under.
    :param replace: overwrite such a row; otherwise it stays as it is.
    """
    if not rows:
        return
    meta = rows[0]._meta
    fields = _written(meta)
    names = ", ".join(f'"{field.column}"' for field in fields)
    keys = ", ".join(f'"{_field(meta.get_field(name)).column}"' for name in unique)
    changes = ", ".join(f'"{field.column}" = excluded."{field.column}"' for field in fields)
    sql = (
        f'INSERT INTO "{meta.db_table}" ({names}) SELECT {names} FROM {_recordset(fields)}'  # noqa: S608  # as above
        f" ON CONFLICT ({keys}) DO {f'UPDATE SET {changes}' if replace else 'NOTHING'}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [_document(rows, fields)])


def insert_alike(pattern: models.Model, **columns: Sequence[Any]) -> None:
    """Insert rows that are an unsaved row but for some columns; their ids are not set.

    :param columns: values by field, as many of each as there are rows.
    """
    fields = _written(pattern._meta)
    own = [field for field in fields if field.name in columns]
    alike = [field for field in fields if field.name not in columns]
    keys = [field.column for field in own]
    rows = [dict(zip(keys, values, strict=True)) for values in zip(*(columns[f.name] for f in own), strict=True)]
    if not rows:
        return
    names = ", ".join(f'"{field.column}"' for field in (*alike, *own))
    values = ", ".join([*(f"%s::{_type(field)}" for field in alike), *(f'new."{key}"' for key in keys)])
    sql = f'INSERT INTO "{pattern._meta.db_table}" ({names}) SELECT {values} FROM {_recordset(own)}'  # noqa: S608  # as above
    with connection.cursor() as cursor:
        saved = [field.get_db_prep_save(getattr(pattern, field.attname), connection) for field in alike]
        cursor.execute(sql, [*saved, _ENCODER.encode(rows)])


def _written(meta: Any) -> list[models.Field[Any, Any]]:
    return [_field(field) for field in meta.concrete_fields if not field.primary_key]


def _field(field: Any) -> models.Field[Any, Any]:
    if not isinstance(field, models.Field):
        raise TypeError(f"{field} is no column")
    return field


def _recordset(fields: Sequence[models.Field[Any, Any]]) -> str:
    columns = ", ".join(f'"{field.column}" {_type(field)}' for field in fields)
    return f"jsonb_to_recordset(%s::jsonb) AS new({columns})"


def _type(field: models.Field[Any, Any]) -> str:
    # Of a key that counts up or refers to another table: the type of its values.
    return str(field.rel_db_type(connection) if field.primary_key else field.db_type(connection))


def _document(rows: Sequence[models.Model], fields: Sequence[models.Field[Any, Any]]) -> str:
    names = [(field.column, field.attname) for field in fields]
    return _ENCODER.encode([{column: getattr(row, name) for column, name in names} for row in rows])


class _Encoder(DjangoJSONEncoder):
    """Microseconds are kept; Django's encoder cuts them."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if hasattr(o, "isoformat") else super().default(o)


_ENCODER = _Encoder(separators=(",", ":"))
