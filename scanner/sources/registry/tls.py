"""How a registry's certificate is judged."""

from __future__ import annotations

import ssl

import httpx2


def tls_context(extra_ca: str | None = None, *, verify: bool = True) -> ssl.SSLContext:
    """Trust what the operating system trusts, and one more authority where a registry has its own.

    :param extra_ca: certificates in PEM.
    :param verify: ``False`` only where an administrator said so for this one registry.
    :raises ValueError: when ``extra_ca`` holds no certificate.
    """
    context = httpx2.create_ssl_context(verify, trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if extra_ca and verify:
        try:
            context.load_verify_locations(cadata=extra_ca)
        except ssl.SSLError as error:
            raise ValueError("not a certificate in PEM form") from error
    return context
