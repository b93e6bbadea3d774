"""Debian's ``docker-registry`` (CNCF distribution) on a free loopback port, filled by our own pushes or by skopeo."""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from compliance.localstack.ports import free_port
from tests.support.images import Stored, sha256

USERNAME = "plimsoll"
PASSWORD = "correct-horse"
# ``htpasswd -nbB -C 4 plimsoll correct-horse``: the cheapest bcrypt, since every request pays for it.
_HTPASSWD = "plimsoll:$2y$04$s4EYGVmtJV7HNHRH5K4eaOwLKju81o.6t/y7.f/DJedk9kGLzPSYe\n"
_SECONDS_TO_START = 60.0


class RegistryUnavailable(Exception):
    """The registry's program is missing or did not start."""


@dataclass(frozen=True, slots=True)
class RealRegistry:
    """A running registry. ``username`` and ``password`` are ``None`` where it lets everybody in."""

    host: str
    folder: Path
    username: str | None = None
    password: str | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def request(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
        """Send one request that must succeed and return the body of its answer."""
        return self._send(method, path, body, headers or {})[1]

    def push(self, repository: str, tag: str, stored: Stored) -> str:
        """Push an image or an index with everything below it, as a client would; returns its digest."""
        return self._push_document(repository, tag, stored.body, stored.media_type, stored.blobs)

    def push_blob(self, repository: str, content: bytes) -> str:
        """Upload bytes in one piece; returns their digest."""
        digest = sha256(content)
        location = self._send("POST", f"/v2/{repository}/blobs/uploads/", b"", {})[0]["location"]
        upload = urlsplit(location)
        path = f"{upload.path}?{upload.query}&digest={digest}"
        self._send("PUT", path, content, {"Content-Type": "application/octet-stream"})
        return digest

    def push_manifest(self, repository: str, reference: str, body: bytes, media_type: str) -> str:
        """Store a manifest whose blobs are there; returns its digest."""
        self._send("PUT", f"/v2/{repository}/manifests/{reference}", body, {"Content-Type": media_type})
        return sha256(body)

    def delete_manifest(self, repository: str, digest: str) -> None:
        """Delete a manifest and every tag that points to it."""
        self.request("DELETE", f"/v2/{repository}/manifests/{digest}")

    def skopeo_copy(self, source: str, repository: str, tag: str) -> None:
        """Push with skopeo, for example from ``oci:FOLDER:TAG``."""
        credential = ["--dest-creds", f"{self.username}:{self.password}"] if self.username else []
        destination = f"docker://{self.host}/{repository}:{tag}"
        options = ["--all", "--insecure-policy", "--dest-tls-verify=false", *credential]
        subprocess.run(
            [_program("skopeo"), "copy", *options, source, destination],
            check=True,
            capture_output=True,
            timeout=120,
        )

    def _push_document(
        self, repository: str, reference: str, body: bytes, media_type: str, blobs: Mapping[str, bytes]
    ) -> str:
        document = json.loads(body)
        for child in document.get("manifests", []):
            self._push_document(repository, child["digest"], blobs[child["digest"]], child["mediaType"], blobs)
        needed = [document["config"], *document["layers"]] if "layers" in document else []
        for descriptor in needed:
            self.push_blob(repository, blobs[descriptor["digest"]])
        return self.push_manifest(repository, reference, body, media_type)

    def _send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPMessage, bytes]:
        if self.username is not None:
            pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
            headers = {**headers, "Authorization": f"Basic {pair}"}
        with closing(http.client.HTTPConnection(self.host, timeout=30)) as connection:
            connection.request(method, path, body, {**headers, "Content-Length": str(len(body))})
            response = connection.getresponse()
            content = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {content[:300]!r}")
        return response.headers, content


@dataclass(frozen=True, slots=True)
class Announced:
    """Where a registry sends its notifications, and the ``Authorization`` it sends with them."""

    url: str
    authorization: str


@contextmanager
def running_registry(
    folder: Path, *, with_password: bool = False, announced: Announced | None = None, port: int = 0
) -> Iterator[RealRegistry]:
    """Start a registry that keeps its data in ``folder``, with deletion switched on; stop it in the end.

    :param port: where it listens; 0: anywhere.
    :raises RegistryUnavailable: saying what to install.
    """
    program = _program("docker-registry")
    port = port or free_port()
    credential = (USERNAME, PASSWORD) if with_password else (None, None)
    registry = RealRegistry(f"127.0.0.1:{port}", folder, *credential)
    config = folder / "config.yml"
    config.write_text(
        json.dumps(_configuration(folder, port, announced, with_password=with_password))
    )  # YAML contains JSON
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
    try:
        _wait_until_it_answers(process, port, folder / "registry.log")
        yield registry
    finally:
        process.terminate()
        process.wait(60)


def _configuration(folder: Path, port: int, announced: Announced | None, *, with_password: bool) -> dict[str, object]:
    document: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "data")},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    if with_password:
        htpasswd = folder / "htpasswd"
        htpasswd.write_text(_HTPASSWD)
        document["auth"] = {"htpasswd": {"realm": "tests", "path": str(htpasswd)}}
    if announced is not None:
        endpoint = {
            "name": "plimsoll",
            "url": announced.url,
            "headers": {"Authorization": [announced.authorization]},
            "timeout": "500ms",
            "threshold": 3,
            "backoff": "1s",
        }
        document["notifications"] = {"endpoints": [endpoint]}
    return document


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RegistryUnavailable(f"docker-registry did not start: {log.read_text()[-2_000:]}")


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise RegistryUnavailable(f"{name} is not installed; on Debian: apt-get install {name}")
    return path
