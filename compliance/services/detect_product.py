"""Tell which product answers at a registry's address."""

from __future__ import annotations

from compliance.models import Registry
from compliance.services.open_source import open_source
from scanner.domain.problems import ScanProblem
from scanner.sources.catalogs import ask_product, detect
from scanner.sources.registry.client import RegistrySource


def detect_product(registry: Registry) -> str:
    """The key of the product, by the host name or by asking once without a credential; the row is not changed.

    A registry that cannot be asked now is taken for one that lists as most do; its scans say what is wrong.
    """
    try:
        with open_source(registry) as source:
            return ask_product(source) if isinstance(source, RegistrySource) else registry.product
    except ScanProblem:
        return detect(registry.host)


def settle_product(registry: Registry) -> None:
    """Store the product that is told, of a registry nobody chose one for; what is set up for it stays."""
    product = detect_product(registry)
    Registry.objects.filter(pk=registry.pk).update(product=product)
