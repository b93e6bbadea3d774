"""The distribution API over an OCI layout, read only, with a token service and faults on demand."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from tests.support.demo_registry.faults import Faults, Seen
from tests.support.demo_registry.layout import Descriptor, Layout
from tests.support.demo_registry.tokens import Tokens

_MANIFEST = re.compile(r"/v2/(.+)/manifests/([^/]+)")
_TAGS = re.compile(r"/v2/(.+)/tags/list")
_BLOB = re.compile(r"/v2/(.+)/blobs/([^/]+)")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_CHUNK = 1 << 16
CHAT = "/chat"
"""A path that takes whatever is posted: where the demo's teams are told of news."""

_NEEDS_TOKEN_SCHEMES = ("bearer", "basic", "none")


class DemoRegistry(ThreadingHTTPServer):
    """One registry on one port.

    :param auth: ``bearer`` (token flow), ``basic`` or ``none``.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        folder: Path,
        *,
        address: tuple[str, int] = ("127.0.0.1", 0),
        auth: str = "bearer",
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        if auth not in _NEEDS_TOKEN_SCHEMES:
            raise ValueError(f"auth is one of {_NEEDS_TOKEN_SCHEMES}")
        super().__init__(address, Handler)
        self.layout = Layout(folder)
        self.tokens = Tokens(username, password)
        self.auth = auth
        self.faults = Faults()
        self.scheme = "http"
        self.requests: list[Seen] = []
        self.records = True
        self._open: set[socket.socket] = set()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def speak_tls(self, context: ssl.SSLContext) -> None:
        """Serve https with this context's certificate from now on."""
        # The handshake waits for the connection's own thread, where a client that does not finish it disturbs nobody.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.scheme = "https"

    @property
    def host(self) -> str:
        """``127.0.0.1:PORT``, as image references write it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def seen(self, method: str | None = None, containing: str = "") -> list[Seen]:
        """Requests so far."""
        return [one for one in list(self.requests) if method in (None, one.method) and containing in one.path]

    @contextmanager
    def running(self) -> Iterator[DemoRegistry]:
        """Serve from a thread."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join(5)
            self._hang_up()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def _hang_up(self) -> None:
        # Kept-alive connections of clients that were not closed would keep their threads waiting.
        for connection in list(self._open):
            connection.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are part of the tests."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: DemoRegistry
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_GET

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._serve(body)

    def _serve(self, body: bytes = b"") -> None:
        faults = self.server.faults
        if self.server.records:
            headers = self.headers
            self.server.requests.append(
                Seen(self.command, self.path, headers.get("Authorization"), headers.get("Cookie"))
            )
        if faults.seconds_before_head:
            time.sleep(faults.seconds_before_head)
        if faults.raw_answer is not None:
            self.close_connection = True
            self._write(faults.raw_answer)
            return
        url = urlsplit(self.path)
        query = parse_qs(url.query, keep_blank_values=True)
        if url.path == "/token":
            self._token(query, body)
        elif self.command == "POST" and url.path == CHAT:
            self._send(204, b"", {})
        elif self.command == "POST":
            self._error(405, "UNSUPPORTED")
        elif not self._spoiled():
            self._route(url.path, query)

    def _spoiled(self) -> bool:
        faults = self.server.faults
        if faults.too_many_requests > 0:
            faults.too_many_requests -= 1
            wait = {} if faults.retry_after is None else {"Retry-After": faults.retry_after}
            self._error(429, "TOOMANYREQUESTS", wait)
        elif faults.server_errors > 0:
            faults.server_errors -= 1
            self._error(faults.server_error_status, "UNKNOWN")
        elif status := faults.statuses.get(urlsplit(self.path).path):
            self._error(status, "UNKNOWN")
        else:
            return False
        return True

    def _route(self, path: str, query: dict[str, list[str]]) -> None:
        if path in ("/v2/", "/v2"):
            self._if_allowed("", lambda: self._json(200, {}))
        elif path == "/v2/_catalog":
            self._if_allowed("registry:catalog:*", lambda: self._catalog(query))
        elif match := _TAGS.fullmatch(path):
            self._if_allowed(f"repository:{match[1]}:pull", partial(self._tags, match[1], query))
        elif match := _MANIFEST.fullmatch(path):
            self._if_allowed(f"repository:{match[1]}:pull", partial(self._manifest, match[1], match[2]))
        elif match := _BLOB.fullmatch(path):
            self._if_allowed(f"repository:{match[1]}:pull", partial(self._blob, match[2]))
        else:
            self._error(404, "NAME_UNKNOWN")

    def _if_allowed(self, scope: str, answer: Callable[[], None]) -> None:
        if self._allowed(scope):
            answer()

    def _allowed(self, scope: str) -> bool:
        server, given = self.server, self.headers.get("Authorization")
        faults = server.faults
        if not faults.unauthorized_forever:
            if server.auth == "none":
                return True
            if server.auth == "basic" and server.tokens.accepts_basic(given):
                return True
            if server.auth == "bearer" and server.tokens.allows(given, scope):
                return True
        if faults.new_scope_each_time:
            scope = f"repository:r{len(server.requests)}:pull"
        challenge = 'Basic realm="demo"'
        if server.auth != "basic":
            realm = f"{server.url}/token" if faults.realm is None else faults.realm
            challenge = f'Bearer realm="{realm}",service="demo",scope="{scope}"'
        self._error(401, "UNAUTHORIZED", {"WWW-Authenticate": challenge})
        return False

    def _token(self, query: dict[str, list[str]], body: bytes) -> None:
        faults, tokens = self.server.faults, self.server.tokens
        form = parse_qs(body.decode())
        if faults.token_redirect is not None:
            self._send(307, b"", {"Location": faults.token_redirect})
        elif faults.token_status is not None:
            self._error(faults.token_status, "DENIED")
        elif body and faults.token_post_status is not None:
            self._error(faults.token_post_status, "UNSUPPORTED")
        elif faults.token_body is not None:
            self._send(200, faults.token_body, {"Content-Type": "application/json"})
        elif tokens.accepts_form(form) if body else tokens.accepts_basic(self.headers.get("Authorization")):
            scopes = [one for text in form.get("scope", query.get("scope", [])) for one in text.split(" ")]
            token = tokens.issue(scopes)
            key = "access_token" if body else "token"
            self._json(200, {key: token, "expires_in": faults.expires_in})
        else:
            self._error(401, "UNAUTHORIZED")

    def _catalog(self, query: dict[str, list[str]]) -> None:
        faults, layout = self.server.faults, self.server.layout
        if faults.catalog_status is not None:
            self._error(faults.catalog_status, "UNSUPPORTED")
        elif faults.catalog_body is not None:
            self._send(200, faults.catalog_body, {"Content-Type": "application/json"})
        else:
            size = self._page_size(query)
            if size is None:
                self._error(400, "PAGINATION_NUMBER_INVALID")
                return
            names = layout.repositories(query.get("last", [""])[0], size + 1)
            self._page({"repositories": names[:size]}, names, size)

    def _tags(self, repository: str, query: dict[str, list[str]]) -> None:
        size = self._page_size(query) or self.server.faults.largest_page
        tags = self.server.layout.tags(repository, query.get("last", [""])[0], size + 1)
        if self.server.faults.null_tags:
            self._json(200, {"name": repository, "tags": None})
        elif tags is None:
            self._error(404, "NAME_UNKNOWN")
        else:
            self._page({"name": repository, "tags": tags[:size]}, tags, size)

    def _page_size(self, query: dict[str, list[str]]) -> int | None:
        faults = self.server.faults
        wanted = int(query["n"][0]) if "n" in query else min(100, faults.largest_page)
        if wanted > faults.largest_page:
            return faults.largest_page if faults.clamps_pages else None
        return wanted

    def _page(self, document: dict[str, Any], names: list[str], size: int) -> None:
        faults, headers = self.server.faults, {}
        path = urlsplit(self.path).path
        if faults.endless_pages:
            page = len(self.server.requests)
            key = next(key for key in document if key != "name")
            document[key] = [f"page-{page}-{number}" for number in range(3)]
            headers["Link"] = f'<{path}?n={size}&last=page-{page}>; rel="next"'
        elif faults.repeated_page:
            headers["Link"] = f'<{self.path}>; rel="next"'
        elif faults.link is not None:
            headers["Link"] = f'<{faults.link}>; rel="next"'
        elif len(names) > size:
            headers["Link"] = f'<{path}?n={size}&last={quote(names[size - 1], safe="")}>; rel="next"'
        self._json(200, document, headers)

    def _manifest(self, repository: str, reference: str) -> None:
        faults = self.server.faults
        if faults.redirect_loop:
            self._send(307, b"", {"Location": self.path})
            return
        if faults.redirect_documents_to is not None:
            self._send(307, b"", {"Location": faults.redirect_documents_to + self.path})
            return
        found = self.server.layout.manifest(repository, reference)
        path = self.server.layout.blob(found.digest) if found else None
        if found is None or path is None:
            known = self.server.layout.tags(repository) is not None
            self._error(404, "MANIFEST_UNKNOWN" if known else "NAME_UNKNOWN")
            return
        self._document(found, path)

    def _document(self, found: Descriptor, path: Path) -> None:
        faults = self.server.faults
        headers = {"Content-Type": faults.content_type or found.media_type}
        if not faults.no_digest_header:
            headers["Docker-Content-Digest"] = faults.digest_header or found.digest
        if self.command == "HEAD":
            self._send(200, b"", headers, length=found.size + faults.wrong_length)
            return
        body = path.read_bytes()
        if faults.corrupt_documents:
            body = body[:-1] + b" }"
        self._send(200, body, headers, length=len(body) + faults.wrong_length)

    def _blob(self, digest: str) -> None:
        faults = self.server.faults
        if faults.redirect_blobs_to is not None:
            self._send(307, b"redirecting", {"Location": f"{faults.redirect_blobs_to}{self.path}"})
            return
        path = self.server.layout.blob(digest)
        if path is None:
            self._error(404, "BLOB_UNKNOWN")
            return
        size = path.stat().st_size
        match = _RANGE.fullmatch(self.headers.get("Range") or "")
        start, end, status = 0, size, 200
        headers = {
            "Content-Type": "application/octet-stream",
            "Docker-Content-Digest": digest,
            "Accept-Ranges": "bytes",
        }
        if match and not faults.ignores_range:
            start, end, status = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size), 206
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        self._head(status, {**headers, "Content-Length": str(end - start)})
        if self.command == "GET":
            self._copy(path, start, end)

    def _copy(self, path: Path, start: int, end: int) -> None:
        faults = self.server.faults
        if faults.truncated_blobs > 0:
            faults.truncated_blobs -= 1
            end = start + (end - start) // 2
            self.close_connection = True
        with path.open("rb") as file:
            file.seek(start)
            while start < end and (chunk := file.read(min(_CHUNK, end - start))):
                self._write(chunk)
                start += len(chunk)

    def _error(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        message = {"errors": [{"code": code, "message": code.lower().replace("_", " "), "detail": None}]}
        self._json(status, message, headers)

    def _json(self, status: int, document: object, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(document).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str], *, length: int | None = None) -> None:
        self._head(status, {**headers, "Content-Length": str(len(body) if length is None else length)})
        if self.command != "HEAD":
            self._write(body)
            if length is not None and length != len(body):
                self.close_connection = True

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        if self.server.faults.set_cookie:
            self.send_header("Set-Cookie", self.server.faults.set_cookie)
        for name, value in {**headers, **self.server.faults.headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _write(self, body: bytes) -> None:
        pause = self.server.faults.seconds_between_bytes
        if not pause:
            self.wfile.write(body)
            return
        for position in range(len(body)):
            self.wfile.write(body[position : position + 1])
            self.wfile.flush()
            time.sleep(pause)
