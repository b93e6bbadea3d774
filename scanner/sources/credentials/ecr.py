"""Amazon ECR: an AWS identity for the user ``AWS`` and a password of twelve hours (GetAuthorizationToken)."""

from __future__ import annotations

import base64
import re
from typing import Any, Final

from scanner.sources.credentials.exchange import MEMORY, Entered, Exchanged, Memory, asking, sdk
from scanner.sources.credentials.problems import refused, unavailable
from scanner.sources.registry.addresses import Origin
from scanner.sources.registry.credentials import Credential

_PRIVATE: Final = re.compile(
    r"(?P<account>[0-9]{12})\.dkr(?:\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]{1,30})\.amazonaws\.com(?:\.cn)?"
    r"|-ecr(?:-fips)?\.(?P<dual>[a-z0-9-]{1,30})\.on\.(?:aws|amazonwebservices\.com\.cn))",
    re.ASCII,
)
_PUBLIC: Final = frozenset({"public.ecr.aws", "ecr-public.aws.com"})
_PUBLIC_REGION: Final = "us-east-1"
_SECONDS: Final = 15


def credential(registry: Origin, entered: Entered, memory: Memory = MEMORY) -> Credential:
    """Exchange an access key, or the machine's own role, for what the registry takes.

    :param entered: access key id and secret access key.
    :raises SourceProblem: ``credential-wrong-host``, ``credential-sdk-missing``, ``credential-exchange`` and others.
    """
    place = _PRIVATE.fullmatch(registry.host)
    if registry.scheme != "https" or (place is None and registry.host not in _PUBLIC):
        raise refused("credential-wrong-host", f"{registry} is not an address of Amazon ECR")
    ambient = entered.is_ambient()
    if not ambient and not (entered.username and entered.password):
        raise refused("credential-invalid", "AWS wants both the access key id and the secret access key")
    return memory.get("ecr", registry, entered, lambda: _exchange(place, entered, ambient=ambient))


def _exchange(place: re.Match[str] | None, entered: Entered, *, ambient: bool) -> Exchanged:
    boto3, config = sdk("boto3", "aws"), sdk("botocore.config", "aws")
    keys: dict[str, str] = {}
    if not ambient:
        keys = {"aws_access_key_id": entered.username, "aws_secret_access_key": entered.password}
    options = config.Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": 2})
    with asking("AWS", (entered.password,)):
        session = boto3.Session(**keys)
        if place is None:
            client = session.client("ecr-public", region_name=_PUBLIC_REGION, config=options)
            return _read(client.get_authorization_token()["authorizationData"])
        client = session.client("ecr", region_name=place["region"] or place["dual"], config=options)
        return _read(client.get_authorization_token(registryIds=[place["account"]])["authorizationData"][0])


def _read(data: dict[str, Any]) -> Exchanged:
    try:
        user, colon, password = base64.b64decode(data["authorizationToken"], validate=True).decode().partition(":")
    except ValueError:
        colon = ""
    if not colon or not user or not password:
        raise unavailable("credential-exchange-failed", "AWS: the answer holds no token")
    return Exchanged(Credential(user, password), data["expiresAt"].timestamp())
