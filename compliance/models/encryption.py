"""A text column that is ciphertext in Postgres: Fernet with rotation, under keys that are not ``SECRET_KEY``."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class CredentialKeyMissing(Exception):
    """A stored credential was encrypted with a key that is no longer in ``PLIMSOLL_CREDENTIAL_KEYS``."""


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])


def encrypt(text: str) -> str:
    """Encrypt with the first key; an empty text stays empty."""
    return _fernet().encrypt(text.encode()).decode("ascii") if text else ""


def decrypt(token: str) -> str:
    """Decrypt with any of the keys.

    :raises CredentialKeyMissing: when none of them fits.
    """
    if not token:
        return ""
    try:
        return _fernet().decrypt(token).decode()
    except InvalidToken as error:
        raise CredentialKeyMissing(
            "A stored credential cannot be decrypted: put its key back into PLIMSOLL_CREDENTIAL_KEYS."
        ) from error


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Holds a secret; the plain text never reaches the database."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way in."""
        return None if value is None else encrypt(str(value))

    def from_db_value(self, value: str | None, _expression: object, _connection: BaseDatabaseWrapper) -> str | None:
        """Decrypt on the way out."""
        return None if value is None else decrypt(value)
