"""Try a registry step by step, with values nobody has saved yet."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from compliance.models import Registry
from compliance.services.open_source import access_of, lists_of
from compliance.services.save_registry import RegistryValues, apply_values
from scanner.sources.registry.diagnosis import Step, diagnose


def check_registry(values: RegistryValues, registry: Registry | None = None) -> Iterator[Step]:
    """Stream one step after another as each is done; nothing is stored.

    :param registry: the saved row whose password is used where none was entered.
    :raises Refused: for a stored password whose key is lost.
    """
    entered = Registry() if registry is None else Registry.objects.get(pk=registry.pk)
    row = apply_values(values, entered)
    yield from diagnose(row.url, access_of(row), limits=settings.LIMITS, lists=lists_of(row))
