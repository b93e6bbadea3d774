"""Host names that are not ours, answered by a TLS server on loopback; every request is kept.

The client is the real one: names are resolved (to here), addresses judged, certificates checked against the names.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import trustme

from scanner.domain.limits import DEFAULT_LIMITS, Limits
from scanner.domain.reference import RepositoryName
from scanner.sources.catalogs import PRODUCTS, Wanted, lists
from scanner.sources.registry.addresses import parse_registry_url
from scanner.sources.registry.client import RegistrySource
from scanner.sources.registry.credentials import Credential
from scanner.sources.registry.network import PRIVATE_TOO, PUBLIC_ONLY
from tests.support.sources import LOCAL

AUTHORITY = trustme.CA()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    host: str
    method: str
    target: str
    authorization: str | None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Without the query, still quoted."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Asked], Reply | None]
"""``None`` is a 404."""


def json_reply(document: object, status: int = 200, headers: Mapping[str, str] | None = None, **named: str) -> Reply:
    """A JSON answer; ``_`` in the name of a header that is given by name is ``-``."""
    given = {**(headers or {}), **{name.replace("_", "-"): value for name, value in named.items()}}
    return Reply(status, json.dumps(document).encode(), {"Content-Type": "application/json", **given})


@dataclass(slots=True)
class Internet:
    """The hosts there are, and what they were asked."""

    port: int
    hosts: dict[str, Handler] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def source(
        self,
        host: str,
        product: str,
        wanted: Wanted | None = None,
        credential: Credential | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        token_hosts: tuple[str, ...] = (),
        public_only: bool = False,
    ) -> RegistrySource:
        """A registry at one of the hosts, which lists as a product does; use it in ``with``."""
        authority = AUTHORITY.cert_pem.bytes().decode()
        network = PUBLIC_ONLY if public_only else PRIVATE_TOO
        access = replace(LOCAL, network=network, credential=credential, extra_ca=authority, token_hosts=token_hosts)
        how = lists(PRODUCTS[product], wanted or Wanted())
        return RegistrySource(parse_registry_url(f"https://{host}"), access, limits=limits, lists=how)

    def listed(
        self, host: str, product: str, wanted: Wanted | None = None, credential: Credential | None = None, **more: Any
    ) -> list[RepositoryName]:
        """All names such a registry lists."""
        with self.source(host, product, wanted, credential, **more) as source:
            return list(source.repositories())

    def shown(self) -> dict[str, set[str | None]]:
        """Every authorization that each host was shown."""
        found: dict[str, set[str | None]] = {}
        for one in self.asked:
            found.setdefault(one.host, set()).add(one.authorization)
        return found

    def heard(self, secret: str) -> set[str]:
        """The hosts that were sent a secret, in clear or as Basic, in whatever part of a request."""
        basic = [Credential(user, secret).basic().partition(" ")[2] for user in ("scanner", "AWS", "")]
        return {
            one.host
            for one in self.asked
            if any(form in f"{one.target}{one.headers}{one.body.decode('latin-1')}" for form in [secret, *basic])
        }


@contextmanager
def internet(monkeypatch: pytest.MonkeyPatch, hosts: Mapping[str, Handler]) -> Iterator[Internet]:
    """Answer these names, each on port 443; every other name does not exist."""
    server = _Server(("127.0.0.1", 0), _Connection)
    certificate = AUTHORITY.issue_cert(*hosts)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.net = net = Internet(int(server.server_address[1]), dict(hosts))

    def resolved(host: str, port: int, *_: object, **__: object) -> list[Any]:
        if host not in net.hosts or port != 443:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", net.port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield net
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    net: Internet

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are part of the tests."""


class _Connection(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read what was asked from the server."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"] or 0)))

    def _answer(self, body: bytes) -> None:
        host = (self.headers["Host"] or "").partition(":")[0]
        asked = Asked(host, self.command, self.path, self.headers["Authorization"], body, dict(self.headers))
        self.server.net.asked.append(asked)
        reply = self.server.net.hosts[host](asked) or json_reply({"message": "not found"}, 404)
        self.send_response_only(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
