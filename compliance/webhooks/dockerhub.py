"""Docker Hub: no signature and no header, so the secret is in the address.

Source: docs.docker.com "Webhooks". ``callback_url`` is never called. ``pushed_at`` tells no event from another: it is
in whole seconds, and a tag may be pushed twice in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compliance.webhooks.body import Object, text
from compliance.webhooks.hint import Kind, Reading
from compliance.webhooks.naming import Told, one, pusher
from compliance.webhooks.proof import ADDRESS
from compliance.webhooks.sender import Home, Sample, Sender, Step


def read(_headers: Mapping[str, str], body: Object, _home: Home) -> Reading:
    """Every request is a push of one tag."""
    name, tag = text(body, "repository", "repo_name"), text(body, "push_data", "tag")
    repository = name if "/" in name else f"library/{name}"
    return one(Told(Kind.PUSHED, repository, tag, pusher=pusher(body, "push_data", "pusher")))


SENDER: Final = Sender(
    key="dockerhub",
    title="Docker Hub",
    proofs=(ADDRESS,),
    read=read,
    steps=(
        Step("Open the repository on hub.docker.com, then Webhooks. Each repository has its own."),
        Step("Name it Plimsoll and paste this as the webhook URL. It holds the secret: treat it as one.", "{url}"),
        Step("Create, then push a tag. What was delivered is under View history."),
    ),
    sample=Sample(
        {"content-type": "application/json"},
        """{"callback_url": "https://registry.hub.docker.com/u/team/shop/hook/abc/",
 "push_data": {"pushed_at": 1767323045, "pusher": "ci", "tag": "1.4"},
 "repository": {"name": "shop", "namespace": "team", "owner": "team", "repo_name": "team/shop",
  "repo_url": "https://hub.docker.com/r/team/shop", "is_private": true, "status": "Active"}}""",
    ),
    note="Docker Hub tells of pushes only; deleted tags are found by scans.",
)
