"""How a registry's certificate is judged, and what we show of ourselves."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx2

from scanner.domain.problems import SourceProblem
from scanner.sources.registry.errors import refused


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What a registry knows this machine by in TLS, both in PEM: the certificate with its chain, and its key."""

    certificate: str
    key: str = field(repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        # A pickled key would end in a task queue or a cache.
        raise TypeError("a client key is not stored or sent anywhere")


def tls_context(
    extra_ca: str | None = None, *, verify: bool = True, client: ClientCertificate | None = None
) -> ssl.SSLContext:
    """Trust what the operating system trusts, and one more authority where a registry has its own.

    :param extra_ca: certificates in PEM.
    :param verify: ``False`` only where an administrator said so for this one registry.
    :param client: shown to a server that asks for one.
    :raises Refused: ``extra-ca-invalid``, ``client-certificate-…``.
    """
    context = httpx2.create_ssl_context(verify, trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if extra_ca and verify:
        try:
            context.load_verify_locations(cadata=extra_ca)
        except (ssl.SSLError, TypeError, ValueError) as error:
            raise refused("extra-ca-invalid", "The extra certificates are not certificates in PEM form") from error
    if client:
        _show(context, client)
    return context


def missed_certificate(problem: SourceProblem, client: ClientCertificate | None) -> SourceProblem:
    """Name a problem by what we showed: servers written in Go call a certificate bad that they never got."""
    if client is None and problem.code == "client-certificate-refused":
        said = problem.message.rpartition(": ")[0] or "TLS"
        return refused("client-certificate-required", f"{said}: the server demands a client certificate")
    return problem


def _show(context: ssl.SSLContext, client: ClientCertificate) -> None:
    from scanner.sources.registry.certificates import check_client_certificate  # takes 80 ms, and few need it

    now = datetime.now(UTC)  # noqa: TID251 # a certificate is good or not at the moment it is shown
    for problem in check_client_certificate(client.certificate, client.key, now):
        raise problem
    with _as_file(client.certificate) as certificate, _as_file(client.key) as key:
        try:
            context.load_cert_chain(certificate, key, password=_no_passphrase)
        except (ssl.SSLError, ValueError) as error:
            said = "OpenSSL cannot use the client certificate with its key"
            raise refused("client-certificate-invalid", said) from error


def _no_passphrase() -> str:
    # Without this, OpenSSL asks at the terminal.
    raise ValueError("the key is encrypted")


@contextmanager
def _as_file(text: str) -> Iterator[str]:
    """OpenSSL takes keys from files only: here from one that is on no disk, where the system has such (Linux)."""
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("pem"), "w") as file:
            file.write(text)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(text)
            file.flush()
            yield file.name
