"""Azure Container Registry: an Entra identity for a refresh token of the registry, which docker calls identity token.

Source: Azure/acr, docs/AAD-OAuth.md: ``POST /oauth2/exchange`` with ``grant_type=access_token``.
"""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlencode

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.sources.credentials.exchange import MEMORY, Entered, Exchanged, Memory, asking, sdk
from scanner.sources.credentials.problems import refused
from scanner.sources.registry.access import Access
from scanner.sources.registry.addresses import Origin, Target
from scanner.sources.registry.asking import Asker
from scanner.sources.registry.credentials import IDENTITY_TOKEN_USER, Credential
from scanner.sources.registry.exchange import Call, Question
from scanner.sources.registry.json_body import json_object

_HOST: Final = re.compile(r"[a-z0-9]{5,50}(?:-[a-z0-9]{1,40})?\.azurecr\.(?P<cloud>io|cn|us)", re.ASCII)
_CLIENT: Final = re.compile(r"(?P<tenant>[A-Za-z0-9.-]{1,100})/(?P<client>[A-Za-z0-9-]{1,100})", re.ASCII)
_TOKEN: Final = re.compile(r"[!-~]+", re.ASCII)
_AUTHORITIES: Final = {
    "io": "login.microsoftonline.com",
    "cn": "login.chinacloudapi.cn",
    "us": "login.microsoftonline.us",
}
_SCOPES: Final = {
    "io": "https://containerregistry.azure.net/.default",
    "cn": "https://management.chinacloudapi.cn/.default",
    "us": "https://management.usgovcloudapi.net/.default",
}
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_SECONDS: Final = 15


def credential(
    registry: Origin, entered: Entered, access: Access, *, limits: Limits = DEFAULT_LIMITS, memory: Memory = MEMORY
) -> Credential:
    """Exchange a client secret, or the machine's own identity, for what the registry takes.

    :param entered: ``tenant/client id`` and the client secret.
    :param access: how the registry is reached, without a credential.
    :raises SourceProblem: ``credential-wrong-host``, ``credential-sdk-missing``, ``credential-invalid`` and others.
    """
    place = _HOST.fullmatch(registry.host)
    if registry.scheme != "https" or place is None:
        raise refused("credential-wrong-host", f"{registry} is not an address of Azure Container Registry")
    client = None if entered.is_ambient() else _CLIENT.fullmatch(entered.username)
    if (entered.username or entered.password) and (client is None or not entered.password):
        raise refused("credential-invalid", "Azure wants tenant/client-id as the user name, and the client secret")

    def fetch() -> Exchanged:
        with asking("Azure", (entered.password,)):
            found = _identity(place["cloud"], client, entered).get_token(_SCOPES[place["cloud"]])
        token = exchanged(registry, found.token, access, limits)
        # The registry's own token counts for three hours; Entra's for about one, and is the one whose end is told.
        return Exchanged(Credential(IDENTITY_TOKEN_USER, token), float(found.expires_on))

    return memory.get("azure", registry, entered, fetch)


def _identity(cloud: str, client: re.Match[str] | None, entered: Entered) -> Any:
    identity = sdk("azure.identity", "azure")
    options = {"authority": _AUTHORITIES[cloud], "connection_timeout": _SECONDS, "read_timeout": _SECONDS}
    if client is None:
        return identity.DefaultAzureCredential(**options)
    return identity.ClientSecretCredential(client["tenant"], client["client"], entered.password, **options)


def exchanged(registry: Origin, token: str, access: Access, limits: Limits) -> str:
    """Ask the registry for a refresh token; the question goes to its own host and nowhere else.

    :raises SourceProblem: ``auth-failed``, ``protocol-error`` and others.
    """
    form = urlencode({"grant_type": "access_token", "service": registry.host, "access_token": token}).encode()
    question = Question("POST", Target(registry, "/oauth2/exchange"), _FORM, form, stay=True)
    subject = f"{registry}/oauth2/exchange"
    asker = Asker(registry, access, limits)
    try:
        with asker.courier.send(question, Call(limits.question_requests)) as answer:
            if answer.response.status != 200:
                raise asker.courier.problem(answer, subject, unknown="not-found")
            found = json_object(asker.courier.body(answer, "token_bytes", subject), subject).get("refresh_token")
    finally:
        asker.close()
    if not isinstance(found, str) or not _TOKEN.fullmatch(found):
        raise refused("credential-exchange", f"{subject}: the answer holds no token")
    return found
