"""What can go wrong with a registry, each with its stable code and what a person can do about it.

A code's sentence of advice lives here once, so that a page, the command line and a log all give the same one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from scanner.domain.printable import printable
from scanner.domain.problems import Refused, SourceProblem, Unavailable

REMEDIES: Final = {
    "address-invalid": "Write the registry's address as https://host or https://host:port.",
    "unreachable": "Check the address and port, and that a firewall lets this machine connect to it.",
    "name-timeout": "Look at this machine's name servers (/etc/resolv.conf); the registry is asked again later.",
    "timeout": "The registry was too slow; it is asked again later. If this repeats, look at its load and the network.",
    "truncated": "The connection broke before everything had arrived; it is asked again later.",
    "tls-expired": "Renew the registry's certificate.",
    "tls-untrusted": "Add the certificate of the authority that signed the registry's certificate to this registry.",
    "tls-wrong-host": "Use the host name the certificate was made for, or give the registry one for this name.",
    "tls-failed": "Check that this port speaks https with TLS 1.2 or newer; for plain http, say so for this registry. "
    "Servers that miss a client certificate may say no more than this either.",
    "tls-unchecked": "Whoever is on the way can read and change everything; have the certificate checked again.",
    "tls-expires-soon": "Have the registry's certificate renewed before it expires.",
    "extra-ca-invalid": "Enter the authority's certificate as PEM text, from -----BEGIN CERTIFICATE----- on.",
    "extra-ca-expired": "Enter the authority's new certificate.",
    "client-certificate-invalid": "Enter the client certificate with its chain, and its unencrypted key, both as PEM.",
    "client-certificate-mismatch": "Enter the key that the client certificate was made for.",
    "client-certificate-expired": "Have the client certificate renewed, and enter the new one with its key.",
    "client-certificate-required": "Enter the client certificate and key that the registry's operator issues.",
    "client-certificate-refused": "Check with the registry's operator which authority's client certificates it takes.",
    "proxy-auth-failed": "Enter the proxy with a user name and password it accepts: http://user:password@host:port.",
    "proxy-refused": "Have the proxy allow connections to this host and port.",
    "proxy-unreachable": "Check the proxy's address, and that it reaches the registry; it is asked again later.",
    "proxy-failed": "Check that the proxy's address and port are those of an HTTP proxy.",
    "proxy-forbidden": "The operator decides with PLIMSOLL_ALLOW_PRIVATE_REGISTRIES whether a proxy may be on a "
    "private network. Link-local and metadata addresses are always refused.",
    "auth-failed": "Enter a user name and password or token that the registry accepts.",
    "auth-loop": "The token service gave a token the registry does not accept; check the registry's token settings.",
    "token-realm-forbidden": "If this token service is right, add its host to the token hosts of this registry.",
    "token-invalid": "The token service's answer holds no usable token; check the registry's token settings.",
    "forbidden-address": "If this registry is meant to be inside your network, allow private addresses for it. "
    "Link-local and metadata addresses are always refused.",
    "scope-narrow": "Give the credential the right to pull here; the token service granted less than was asked.",
    "range-ignored": "Nothing must be done; transfers that break begin again, and layers are read whole.",
    "denied": "Give the credential the right to pull here; what cannot be seen may also not exist.",
    "repository-unknown": "Check the repository's name; it may have been deleted since it was listed.",
    "manifest-unknown": "The tag or digest is no longer there; scan the repository again.",
    "blob-unknown": "The registry lost part of this image; push the image again.",
    "catalog-unsupported": "This registry does not list its repositories; name the repositories to scan.",
    "namespaces-missing": "Enter the namespaces to list at this registry, or its repositories one by one.",
    "namespace-unknown": "Check the name of the namespace; one that the credential may not see looks the same.",
    "rate-limited": "The registry limits how often we ask; the scan goes on later. A credential can raise the limit.",
    "server-error": "The registry has an internal fault; it is asked again later. Its log says more.",
    "protocol-error": "The answer is not that of an OCI registry; check the address, or a proxy in front of it.",
    "pagination-loop": "The registry's listing does not end; report this to whoever runs it.",
    "pagination-forbidden": "The registry's listing leads to another host; check its external address setting.",
    "redirect-loop": "The registry redirects without end; check its external address setting.",
    "redirect-forbidden": "The registry redirects where a client must not follow; check its storage redirect setting.",
    "digest-mismatch": "The bytes are not those the digest names; push the image again; look for a proxy in between.",
    "too-large": "The registry answers with more than anybody should need; look at what it sends.",
    "credential-store": "Repair ~/.docker/config.json or the credential helper it names, or remove the entry.",
    "not-found": "Check that this address is a registry.",
}

LISTS_NOTHING: Final = frozenset({"catalog-unsupported", "namespaces-missing"})
"""Codes of problems that end a listing of which nothing can be concluded: what is known otherwise stays."""

_TLS_CODES: Final = {
    10: "tls-expired",
    9: "tls-expired",
    62: "tls-wrong-host",
    63: "tls-wrong-host",
    64: "tls-wrong-host",
}
_UNKNOWN_NAME: Final = {
    "NAME_UNKNOWN": "repository-unknown",
    "MANIFEST_UNKNOWN": "manifest-unknown",
    "BLOB_UNKNOWN": "blob-unknown",
}
# 520 to 530 are what a content delivery network says of the server behind it.
_SERVER_ERRORS: Final = frozenset({500, 502, 503, 504, *range(520, 531)})
_LONGEST_TEXT = 300


def refused(code: str, message: str, *, limit: str = "") -> Refused:
    """Make a permanent problem with the advice that belongs to its code.

    :param limit: the field of ``Limits`` that was passed, where one was.
    """
    return Refused(code, message, remedy=_advice(code, limit))


def unavailable(code: str, message: str, *, retry_after: float | None = None, limit: str = "") -> Unavailable:
    """Make a passing problem with the advice that belongs to its code.

    :param limit: the field of ``Limits`` that was passed, where one was.
    """
    return Unavailable(code, message, remedy=_advice(code, limit), retry_after=retry_after)


def _advice(code: str, limit: str) -> str:
    return f"{REMEDIES[code]} {setting_advice(limit)}" if limit else REMEDIES[code]


def setting_advice(limit: str) -> str:
    """Which setting to change where a limit was too tight: rates are lowered, everything else is raised."""
    change = "lower" if limit.endswith("_per_second") else "raise"
    return f"If that is meant to be so, {change} PLIMSOLL_{limit.upper()}."


@dataclass(frozen=True, slots=True)
class RegistryErrors:
    """What the body of an error answer said.

    :param text: its first error, printable and short.
    """

    codes: tuple[str, ...] = ()
    text: str = ""


def problem_of_status(
    status: int, subject: str, said: RegistryErrors, *, unknown: str, wait: float | None
) -> SourceProblem:
    """Name the problem of an error answer.

    :param subject: what was asked for, in words without secrets.
    :param unknown: the code a 404 means when the body names none, for example ``manifest-unknown``.
    :param wait: seconds the answer asked to wait.
    """
    detail = f"{subject}: the registry answered {status}" + (f", {said.text}" if said.text else "")
    if status == 429 or "TOOMANYREQUESTS" in said.codes:
        return unavailable("rate-limited", detail, retry_after=wait)
    if status == 408:
        return unavailable("timeout", detail, retry_after=wait)
    if status in _SERVER_ERRORS:
        return unavailable("server-error", detail, retry_after=wait)
    if status == 401:
        return refused("auth-failed", detail)
    if status == 403 or "DENIED" in said.codes:
        return refused("denied", detail)
    if status == 404:
        return refused(next((_UNKNOWN_NAME[code] for code in said.codes if code in _UNKNOWN_NAME), unknown), detail)
    return refused("protocol-error", detail)


def registry_errors(body: bytes, redact: Callable[[str], str]) -> RegistryErrors:
    """Read ``{"errors": [{"code": …, "message": …}]}``; nothing where the body is something else."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return RegistryErrors()
    errors = document.get("errors") if isinstance(document, dict) else None
    entries = [entry for entry in errors[:10] if isinstance(entry, dict)] if isinstance(errors, list) else []
    codes = [redact(entry["code"]) for entry in entries if isinstance(entry.get("code"), str)]
    messages = [redact(entry["message"]) for entry in entries[:1] if isinstance(entry.get("message"), str)]
    return RegistryErrors(tuple(codes), printable(" ".join([*codes[:1], *messages]), longest=_LONGEST_TEXT))


def tls_code(verify_code: int) -> str:
    """Name the kind of an OpenSSL X509_V_ERR number."""
    return _TLS_CODES.get(verify_code, "tls-untrusted")
