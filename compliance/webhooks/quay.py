"""Quay: no signature, so the secret is in the address. The body does not say which event it is.

Source: quay ``notifications/notificationevent.py``, ``notificationmethod.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compliance.webhooks.body import Object, items, text
from compliance.webhooks.hint import Kind, Odd, Reading
from compliance.webhooks.naming import Told, add, ignored
from compliance.webhooks.proof import ADDRESS
from compliance.webhooks.sender import Home, Sample, Sender, Step
from scanner.domain.go_json import Number


def read(_headers: Mapping[str, str], body: Object, _home: Home) -> Reading:
    """Take every updated tag of a ``repo_push``."""
    repository = text(body, "repository")
    if "updated_tags" not in body:
        return ignored("no updated_tags: not a push")
    host = text(body, "docker_url").partition("/")[0]
    reading = Reading()
    for tag in items(body, "updated_tags"):
        if not isinstance(tag, str) or isinstance(tag, Number):
            raise Odd("updated_tags holds something else than tags.")
        add(reading, Told(Kind.PUSHED, repository, tag, host=host))
    return reading


SENDER: Final = Sender(
    key="quay",
    title="Quay",
    proofs=(ADDRESS,),
    read=read,
    steps=(
        Step("Open the repository's Settings, then Events and Notifications, then Create Notification."),
        Step("Event: Push to Repository. Method: Webhook POST. It holds the secret: treat it as one.", "{url}"),
        Step("Leave the POST body template empty."),
    ),
    sample=Sample(
        {"content-type": "application/json"},
        """{"repository": "team/shop", "namespace": "team", "name": "shop", "docker_url": "quay.example/team/shop",
 "homepage": "https://quay.example/repository/team/shop", "updated_tags": ["1.4"]}""",
    ),
    note="Each repository has its own notifications, and Quay tells of pushes only.",
)
