"""Have saved views mailed, and end it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from compliance.models import AuditAction, Channel, SavedView, User, ViewMail
from compliance.services.record_audit import audit

MOST_MAILED: Final = 30
"""To one person."""


class CannotMail(ValueError):
    """Why a view is not mailed, in words for whoever asked."""


def mail_view(view_id: int, channel_id: int, *, by: User, now: datetime) -> ViewMail:
    """Mail a view to one channel of somebody and to no other. The caller has asked whether they may see it.

    :raises CannotMail: in words.
    """
    with transaction.atomic():
        # One at a time for each person; what it is about stays until this is written.
        User.objects.select_for_update(no_key=True).filter(pk=by.pk).values_list("pk").first()
        view = SavedView.objects.select_for_update(of=("self",), no_key=True).filter(pk=view_id).first()
        mails = Channel.objects.filter(user=by.pk, kind="mail")
        channel = mails.select_for_update(of=("self",), no_key=True).filter(pk=channel_id).first()
        if view is None or channel is None:
            raise CannotMail("The view, or the channel, is not there any more.")
        others = ViewMail.objects.filter(channel__user=by.pk).exclude(view=view)
        if others.count() >= MOST_MAILED:
            raise CannotMail(f"You have {MOST_MAILED} views mailed. End one first.")
        kept = ViewMail.objects.filter(channel__user=by.pk, view=view).first()
        mail = kept or ViewMail(view=view, name=view.name, since=now)
        mail.channel = channel
        mail.save()
        audit(AuditAction.CHANGED, channel, by=by, now=now, details={"mailed view": view.name})
    return mail


def end_mail(mail: ViewMail, *, by: User, now: datetime) -> None:
    """What waits to be sent is not sent any more."""
    with transaction.atomic():
        audit(AuditAction.CHANGED, mail.channel, by=by, now=now, details={"not mailed any more": mail.name})
        mail.delete()
