"""Write many rows in one statement whose size does not grow with them: they travel as one JSON parameter.

Django's ``bulk_update`` builds a CASE per row and column, which takes longer than judging the images it stores.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models


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
    keys = ", ".join(f'"{_field(meta.get_field(name)).column}"' for name in unique)
    changes = ", ".join(f'"{field.column}" = excluded."{field.column}"' for field in _written(meta))
    _insert(rows, f" ON CONFLICT ({keys}) DO {f'UPDATE SET {changes}' if replace else 'NOTHING'}")


def insert_rows(rows: Sequence[models.Model]) -> None:
    """Insert rows of one model; their ids are not set."""
    if rows:
        _insert(rows, "")


def _insert(rows: Sequence[models.Model], conflicts: str) -> None:
    meta = rows[0]._meta
    fields = _written(meta)
    names = ", ".join(f'"{field.column}"' for field in fields)
    sql = f'INSERT INTO "{meta.db_table}" ({names}) SELECT {names} FROM {_recordset(fields)}{conflicts}'  # noqa: S608  # as above
    with connection.cursor() as cursor:
        cursor.execute(sql, [_document(rows, fields)])


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
