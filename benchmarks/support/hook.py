"""The endpoint of a registry under test, and the requests that it is sent; import after Django is set up."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from compliance.policy.schedule import Schedule
from compliance.services.save_registry import RegistryValues, save_registry
from compliance.services.webhook_endpoints import make_endpoint
from tests.support.hooks import pushed
from tests.support.running import request


@dataclass(frozen=True, slots=True)
class Hook:
    """Where pushes are announced, and with which secret."""

    path: str
    secret: str

    @classmethod
    def of(cls, url: str) -> Hook:
        """Add the registry; it is scanned for pushes only."""
        now = timezone.now()
        values = RegistryValues("bench", url, "kubernetes", allow_private=True, schedule=Schedule(0))
        made = make_endpoint(save_registry(values, now=now), "distribution", now=now)
        return cls(f"/hooks/{made.endpoint.key}/", made.secret)

    def push(self, repository: str, tag: str, digest: str) -> bytes:
        """The bytes of a request that announces a push, as an event of its own."""
        body = pushed(tag, digest, repository=repository)
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        return request("POST", self.path, body, headers)
