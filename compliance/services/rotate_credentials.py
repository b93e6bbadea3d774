"""Encrypt every stored credential again with the first of ``PLIMSOLL_CREDENTIAL_KEYS``."""

from __future__ import annotations

from django.db import transaction

from compliance.models import Registry
from compliance.models.encryption import reveal


def rotate_credentials() -> int:
    """Return how many were encrypted again; all or none.

    :raises CredentialKeyMissing: when one cannot be decrypted with any key.
    """
    rotated = 0
    with transaction.atomic():
        for registry in Registry.objects.select_for_update().exclude(password=""):
            registry.password = reveal(registry.password)
            registry.save(update_fields=["password"])
            rotated += 1
    return rotated
