"""Encrypt stored credentials with a new key: `manage.py rotate_credentials`."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from compliance.models import AuditAction
from compliance.models.encryption import CredentialKeyMissing
from compliance.services.record_audit import audit
from compliance.services.rotate_credentials import rotate_credentials
from compliance.services.seal_audit import seal_audit


class Command(BaseCommand):
    """Put the new key first into PLIMSOLL_CREDENTIAL_KEYS, run this, then remove the old one."""

    help = "Encrypt every stored credential again with the first of PLIMSOLL_CREDENTIAL_KEYS."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Rotate all or none."""
        try:
            rotated = rotate_credentials()
        except CredentialKeyMissing as error:
            raise CommandError(str(error)) from error
        now = timezone.now()
        audit(AuditAction.KEYS_ROTATED, None, by=None, now=now, details={"credentials": rotated})
        seal_audit(now)  # so that the new key vouches for the trail before anybody takes the old one away
        self.stdout.write(f"{rotated} credentials are encrypted with the first key.")
