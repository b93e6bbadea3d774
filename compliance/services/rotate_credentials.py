"""Encrypt every stored credential again with the first of ``PLIMSOLL_CREDENTIAL_KEYS``."""

from __future__ import annotations

from functools import reduce
from operator import or_

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.db import models, transaction

from compliance.models.encryption import FACTOR_SECRETS, EncryptedTextField, decrypt, encrypt, reveal


def rotate_credentials() -> int:
    """Return how many were encrypted again; all or none, of every model and column.

    :raises CredentialKeyMissing: when one cannot be decrypted with any key.
    """
    with transaction.atomic():
        columns = sum(_rotate(model, names) for model in apps.get_models() if (names := _encrypted(model)))
        return columns + _rotate_factors()


def _encrypted(model: type[models.Model]) -> list[str]:
    return [field.name for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]


def _rotate(model: type[models.Model], names: list[str]) -> int:
    rotated = 0
    filled = reduce(or_, (models.Q(**{f"{name}__gt": ""}) for name in names))
    for row in model._default_manager.select_for_update().filter(filled).only("pk", *names).order_by("pk"):
        filled_names = [name for name in names if getattr(row, name)]
        for name in filled_names:
            setattr(row, name, reveal(getattr(row, name)))
        row.save(update_fields=filled_names)
        rotated += len(filled_names)
    return rotated


def _rotate_factors() -> int:
    rotated = 0
    for row in Authenticator.objects.select_for_update().order_by("pk"):
        names = [name for name in FACTOR_SECRETS if row.data.get(name)]
        row.data |= {name: encrypt(decrypt(row.data[name])) for name in names}
        row.save(update_fields=["data"])
        rotated += len(names)
    return rotated
