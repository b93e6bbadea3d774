"""GitHub's container registry: ``registry_package`` and ``package`` events, signed.

Source: octokit/webhooks ``payload-examples``, docs.github.com "Validating webhook deliveries".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compliance.webhooks.body import Object, part, quoted, text
from compliance.webhooks.hint import Kind, Odd, Reading
from compliance.webhooks.naming import Told, event_key, ignored, one, pusher
from compliance.webhooks.proof import BodySignature
from compliance.webhooks.sender import Home, Sample, Sender, Step

_EVENTS: Final = ("registry_package", "package")


def read(headers: Mapping[str, str], body: Object, _home: Home) -> Reading:
    """A version of a container package was published; ``tag.name`` is empty for one pushed by digest."""
    event = headers.get("x-github-event", "")
    if event == "ping":
        return ignored("ping: the webhook was set up")
    if event not in _EVENTS:
        raise Odd(f"unknown event {quoted(event)}")
    package = part(body, event)
    kind = text(package, "package_type").lower()
    if kind not in ("container", "docker"):
        return ignored(f"a package of type {kind[:40] or 'unknown'}")
    if text(body, "action") not in ("published", "updated"):
        return ignored(f"{text(body, 'action')[:40]}: no push")
    version = part(package, "package_version")
    container = part(version, "container_metadata")
    host, repository = _place(package, text(version, "package_url"))
    return one(
        Told(
            Kind.PUSHED,
            repository,
            text(container, "tag", "name"),
            text(container, "tag", "digest") or text(container, "manifest", "digest"),
            event_key(headers.get("x-github-delivery", "")),
            host,
            pusher(body, "sender", "login"),
        )
    )


def _place(package: Object, url: str) -> tuple[str, str]:
    """Host and repository: of ``ghcr.io/acme/shop:1.4``, or put together where that is missing."""
    host, slash, path = url.partition("/")
    if slash:
        return host, path.partition("@")[0].partition(":")[0].lower()
    namespace, name = text(package, "namespace"), text(package, "name")
    return "", (name if name.startswith(f"{namespace}/") else f"{namespace}/{name}").lower()


_GH: Final = """gh api --method POST orgs/ORGANIZATION/hooks --field active=true --raw-field name=web \\
  --raw-field 'events[]=registry_package' --raw-field 'config[url]={url}' \\
  --raw-field 'config[content_type]=json' --raw-field 'config[secret]={secret}'"""

SENDER: Final = Sender(
    key="ghcr",
    title="GitHub Container Registry",
    proofs=(BodySignature("X-Hub-Signature-256", "sha256", "sha256="),),
    read=read,
    steps=(
        Step("As an owner of the organization, make one webhook for all its packages:", _GH),
        Step("Or in Settings, Webhooks, Add webhook. Payload URL, with content type application/json:", "{url}"),
        Step("Secret:", "{secret}"),
        Step("Let me select individual events: Registry packages, nothing else."),
        Step("A personal account has no such webhook: add it to each repository that its packages belong to."),
    ),
    sample=Sample(
        {
            "content-type": "application/json",
            "x-github-event": "registry_package",
            "x-github-delivery": "7a2f6b0e-0000-4000-8000-000000000001",
        },
        """{"action": "published", "registry_package": {"id": 1, "name": "shop", "namespace": "acme",
 "package_type": "CONTAINER", "ecosystem": "CONTAINER", "package_version": {"id": 9,
  "version": "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
  "name": "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
  "package_url": "ghcr.io/acme/shop:1.4", "container_metadata": {"tag": {"name": "1.4",
   "digest": "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"},
   "manifest": {"digest": "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"}, "labels": {}}}},
 "repository": {"full_name": "acme/shop"}, "organization": {"login": "acme"}, "sender": {"login": "ci"}}""",
    ),
    note="GitHub does not repeat a delivery that failed; the next scan finds what was missed.",
)
