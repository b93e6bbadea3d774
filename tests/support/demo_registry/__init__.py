"""A small registry that reads an OCI layout folder: the demo's, and the tests' where a real one cannot misbehave."""

from tests.support.demo_registry.faults import Faults, Seen
from tests.support.demo_registry.server import DemoRegistry

__all__ = ["DemoRegistry", "Faults", "Seen"]
