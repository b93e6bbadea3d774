"""A link by which somebody chooses a password: for who is new, and for who has forgotten the old one."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from compliance.models import AuditAction, User
from compliance.services.record_audit import audit


def invite_link(user: User, *, by: User | None, now: datetime) -> str:
    """The path of a page on which ``user`` chooses a password, once, within ``PASSWORD_RESET_TIMEOUT``.

    It works no more when a password was chosen or somebody has logged in. A new link for somebody who has no password
    yet ends the one before; a password that is there goes on to work until another is chosen.
    """
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user.pk)  # links are bound to what is stored
        if not user.has_usable_password():
            user.set_unusable_password()  # another random one, which links are bound to
            user.save(update_fields=["password"])
        audit(AuditAction.LINK_MADE, user, by=by, now=now)
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("choose_password", args=[uid, default_token_generator.make_token(user)])
