"""Write down what somebody did that no row of a model shows. Changes of rows are written down by triggers.

Where the request came from, which one it was, or which task or command ran, is what the connection was told
(``compliance.views.request_facts``); the database adds it by itself, to these rows as to those of the triggers.
"""

from __future__ import annotations

from datetime import datetime

from django.db import models

from compliance.models import AuditAction, AuditEvent, User

_LONGEST_NAME = 300


def audit(
    action: AuditAction,
    subject: models.Model | None,
    *,
    by: User | None,
    now: datetime,
    name: str = "",
    details: dict[str, object] | None = None,
) -> AuditEvent:
    """Write one line of the trail, in the transaction of what it is about.

    :param by: ``None`` where nobody is logged in, or where the connection knows who it is.
    :param name: what the subject is called, where ``str`` of it does not say so, or there is no row of it.
    :param details: values JSON can hold; never a secret.
    """
    columns: dict[str, object] = {} if by is None else {"actor": by.pk, "actor_name": by.get_username()}
    return AuditEvent.objects.create(
        at=now,
        action=action,
        kind=subject._meta.label_lower.partition(".")[2] if subject is not None else "",
        object=str(subject.pk) if subject is not None and subject.pk else "",
        name=(name or (str(subject) if subject is not None else ""))[:_LONGEST_NAME],
        data=details or {},
        **columns,
    )
