"""Try a registry step by step, with values nobody has saved yet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from django.conf import settings

from compliance.models import Registry
from compliance.models.registry import AuthMethod
from compliance.services.open_source import access_of, lists_of, open_source
from compliance.services.save_registry import RegistryValues, apply_values
from scanner.sources.registry.access import Access
from scanner.sources.registry.client import Lists
from scanner.sources.registry.diagnosis import Step, diagnose
from scanner.sources.registry.steps import Found, StepState, measured

_MOST_NAMES = 1_000
_NOTHING_TO_EXCHANGE = frozenset({AuthMethod.PASSWORD, AuthMethod.BEARER})


def check_registry(values: RegistryValues, registry: Registry | None = None) -> Iterator[Step]:
    """Stream one step after another as each is done; nothing is stored.

    :param registry: the saved row whose password is used where none was entered.
    """
    entered = Registry() if registry is None else Registry.objects.get(pk=registry.pk)
    row = apply_values(values, entered)
    if not row.url.startswith(("https://", "http://")):
        yield measured("source", lambda: _images_here(row))
        return
    ways: list[tuple[Access, Lists]] = []

    def credential() -> Found:
        ways.append((access_of(row), lists_of(row)))
        return Found(f"from {AuthMethod(row.auth_method).label}")

    step = measured("credential", credential)
    if step.state is StepState.FAILED or row.auth_method not in _NOTHING_TO_EXCHANGE:
        yield step
    for access, lists in ways:
        yield from diagnose(row.url, access, limits=settings.LIMITS, lists=lists)


def _images_here(row: Registry) -> Found:
    """Images on the machine of a worker need no ladder: they can be listed, or it is said why not."""
    with open_source(row) as source:
        count = sum(1 for _ in islice(source.repositories(), _MOST_NAMES))
        return Found(f"{'at least ' if count == _MOST_NAMES else ''}{count} repositories")
