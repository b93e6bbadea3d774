"""A text column that is ciphertext in Postgres: Fernet with rotation, under keys that are not ``SECRET_KEY``."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

FACTOR_SECRETS = ("secret", "seed")
"""What of ``data`` of django-allauth's ``Authenticator`` is encrypted like these columns: what codes are made from."""


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


class Sealed(str):
    """Ciphertext as it came from the database; ``reveal`` opens it, printing shows nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<sealed>"


def reveal(secret: str) -> str:
    """The plain text of a field's value, whether it was just set or came from the database.

    :raises CredentialKeyMissing: when none of the keys fits.
    """
    return decrypt(str(secret)) if isinstance(secret, Sealed) else secret


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Holds a secret; the plain text never reaches the database, nor memory before ``reveal`` is called.

    So a row whose key is lost can still be listed and corrected.
    """

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt on the way in."""
        if value is None or isinstance(value, Sealed):
            return None if value is None else str(value)
        return encrypt(str(value))

    def from_db_value(self, value: str | None, _expression: object, _connection: BaseDatabaseWrapper) -> str | None:
        """Leave it sealed on the way out."""
        return Sealed(value) if value else value
