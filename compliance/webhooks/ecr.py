"""Amazon ECR: EventBridge sends its image actions to an API destination, with a header of the connection.

Source: Amazon ECR user guide "Amazon ECR events and EventBridge".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from compliance.webhooks.body import Object, quoted, text
from compliance.webhooks.hint import Kind, Odd, Reading
from compliance.webhooks.naming import Told, event_key, ignored, one
from compliance.webhooks.proof import HeaderSecret
from compliance.webhooks.sender import Home, Sample, Sender, Step

_KINDS: Final = {"PUSH": Kind.PUSHED, "DELETE": Kind.DELETED}
_HOST = re.compile(r"([0-9]{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]{1,40})\..+", re.ASCII)


def read(_headers: Mapping[str, str], body: Object, home: Home) -> Reading:
    """One image action; account and region must be the registry's own."""
    if text(body, "detail-type") != "ECR Image Action":
        return ignored(f"{text(body, 'detail-type')[:80] or 'no detail-type'}: no image action")
    action = text(body, "detail", "action-type")
    if action not in _KINDS:
        raise Odd(f"unknown action-type {quoted(action)}")
    if text(body, "detail", "result") != "SUCCESS":
        return ignored("the action did not succeed")
    account, region = text(body, "account"), text(body, "region")
    found = _HOST.fullmatch(home.host)
    if found and (found[1], found[2]) != (account, region):
        raise Odd(f"The event is about account {quoted(account)} in {quoted(region)}: another registry.")
    return one(
        Told(
            _KINDS[action],
            text(body, "detail", "repository-name"),
            text(body, "detail", "image-tag"),
            text(body, "detail", "image-digest"),
            event_key(text(body, "id")),
        )
    )


_CONNECTION: Final = """aws events create-connection --name plimsoll --authorization-type API_KEY \\
  --auth-parameters 'ApiKeyAuthParameters={ApiKeyName=Authorization,ApiKeyValue="Bearer {secret}"}'
aws events create-api-destination --name plimsoll --http-method POST \\
  --connection-arn CONNECTION_ARN --invocation-endpoint '{url}'"""
_RULE: Final = """aws events put-rule --name plimsoll \\
  --event-pattern '{"source": ["aws.ecr"], "detail-type": ["ECR Image Action"]}'
aws events put-targets --rule plimsoll \\
  --targets 'Id=plimsoll,Arn=API_DESTINATION_ARN,RoleArn=ROLE_ARN'"""

SENDER: Final = Sender(
    key="ecr",
    title="Amazon ECR",
    proofs=(HeaderSecret("Authorization"),),
    read=read,
    steps=(
        Step("In the registry's account and region, make a connection and an API destination:", _CONNECTION),
        Step("Send ECR's image actions there. The role must allow events:InvokeApiDestination on it.", _RULE),
        Step("The address must be reachable from AWS by https."),
    ),
    sample=Sample(
        {"content-type": "application/json"},
        """{"version": "0", "id": "13cde686-328b-6117-0001", "detail-type": "ECR Image Action", "source": "aws.ecr",
 "account": "111122223333", "time": "2026-01-02T03:04:05Z", "region": "eu-west-1", "resources": [],
 "detail": {"result": "SUCCESS", "repository-name": "team/shop", "action-type": "PUSH", "image-tag": "1.4",
  "image-digest": "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"}}""",
    ),
    note="ECR sends its events on a best-effort basis; the next scan finds what was missed.",
)
