"""Gitea and Forgejo: package events, signed; a version is a tag or a digest.

Source: gitea ``modules/structs/{hook,package}.go``, ``services/webhook/deliver.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compliance.webhooks.body import Object, quoted, text
from compliance.webhooks.hint import Kind, Odd, Reading
from compliance.webhooks.naming import Told, event_key, ignored, one, pusher
from compliance.webhooks.proof import BodySignature
from compliance.webhooks.sender import Home, Sample, Sender, Step

_KINDS: Final = {"created": Kind.PUSHED, "deleted": Kind.DELETED}


def read(headers: Mapping[str, str], body: Object, _home: Home) -> Reading:
    """One version of a container package."""
    event = headers.get("x-gitea-event") or headers.get("x-forgejo-event") or "package"
    if event != "package":
        return ignored(f"{event[:40]}: no package")
    if text(body, "package", "type") != "container":
        return ignored(f"a package of type {text(body, 'package', 'type')[:40] or 'unknown'}")
    action = text(body, "action")
    if action not in _KINDS:
        raise Odd(f"unknown action {quoted(action)}")
    owner = text(body, "package", "owner", "login") or text(body, "package", "owner", "username")
    repository = f"{owner}/{text(body, 'package', 'name')}".lower()
    key = event_key(headers.get("x-gitea-delivery") or headers.get("x-forgejo-delivery") or "")
    by = pusher(body, "sender", "login")
    return one(Told(_KINDS[action], repository, text(body, "package", "version"), "", key, pusher=by))


_CURL: Final = """curl --header 'Authorization: token ACCESS_TOKEN' --header 'Content-Type: application/json' \\
  --request POST https://{host}/api/v1/orgs/ORGANIZATION/hooks --data '{
  "type": "gitea", "active": true, "events": ["package"],
  "config": {"url": "{url}", "content_type": "json", "secret": "{secret}"}}'"""

SENDER: Final = Sender(
    key="gitea",
    title="Gitea or Forgejo",
    proofs=(
        BodySignature("X-Gitea-Signature"),
        BodySignature("X-Forgejo-Signature"),
        BodySignature("X-Hub-Signature-256", "sha256", "sha256="),
    ),
    read=read,
    steps=(
        Step('For an organization, by the API (Forgejo: "type": "forgejo"):', _CURL),
        Step("Or in its Settings, Webhooks, Add webhook. Target URL, POST, application/json:", "{url}"),
        Step("Secret:", "{secret}"),
        Step(
            "Custom events: Packages. Where the address is a private one, the server's ALLOWED_HOST_LIST must hold it."
        ),
    ),
    sample=Sample(
        {
            "content-type": "application/json",
            "x-gitea-event": "package",
            "x-gitea-delivery": "7a2f6b0e-0000-4000-8000-000000000003",
        },
        """{"action": "created", "repository": null, "package": {"id": 5, "owner": {"login": "acme"},
 "creator": {"login": "ci"}, "type": "container", "name": "shop", "version": "1.4",
 "html_url": "https://git.example/acme/-/packages/container/shop/1.4", "created_at": "2026-01-02T03:04:05Z"},
 "organization": {"login": "acme"}, "sender": {"login": "ci"}}""",
    ),
)
