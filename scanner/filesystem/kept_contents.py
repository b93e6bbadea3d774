"""Which files' bytes a layer index keeps: account files, and what says who may become root."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from scanner.domain.limits import Limits
from scanner.domain.problems import LimitExceeded
from scanner.filesystem.redaction import without_hashes

ACCOUNT_PATHS = frozenset({b"etc/passwd", b"etc/group", b"etc/shadow"})
SUDOERS_FOLDERS = (b"etc", b"usr/etc", b"usr/local/etc")

_ACCOUNT_NAMES = frozenset({b"passwd", b"group", b"shadow"})
# Links lead from /etc/passwd mostly to a file of the same name; keeping small ones spares a second download.
_NAMESAKE_BYTES = 64 * 1024
_NAMESAKES_BYTES = 512 * 1024
_SUDOERS = frozenset(folder + b"/sudoers" for folder in SUDOERS_FOLDERS)
_SUDOERS_D = frozenset(folder + b"/sudoers.d" for folder in SUDOERS_FOLDERS)
_SUDOERS_BYTES = 64 * 1024
_ALL_SUDOERS_BYTES = 512 * 1024


class Content(Protocol):
    """The bytes of the member at hand; one of these is called, once."""

    def read(self) -> bytes:
        """All of them."""

    def read_head(self, length: int) -> bytes:
        """The first ones."""


class KeptContents:
    """Bytes by node.

    :param keep: paths, besides the account files, whose bytes are wanted.
    """

    def __init__(self, limits: Limits, keep: Collection[bytes]) -> None:
        self._limits = limits
        self._keep = ACCOUNT_PATHS | frozenset(keep)
        self._namesakes = _ACCOUNT_NAMES | {path.rpartition(b"/")[2] for path in keep}
        self._left_for_namesakes = _NAMESAKES_BYTES
        self._left_for_sudoers = _ALL_SUDOERS_BYTES
        self._held = 0
        self.names = self._namesakes | {b"sudoers"}
        self.by_node: dict[int, bytes] = {}

    def may_want(self, above: bytes, name: bytes) -> bool:
        """Whether a file's path is worth looking at; cheap, since it is asked of every file."""
        return name in self.names or above.endswith(b"sudoers.d")

    def take(self, node: int, path: bytes, size: int, content: Content) -> bytes | None:
        """Hold a file's bytes and return them as they are; ``None``, and nothing read, where they are not wanted.

        :raises LimitExceeded: ``account_versions_bytes``.
        """
        above, _, name = path.rpartition(b"/")
        if above in _SUDOERS_D or path in _SUDOERS:
            if size > min(_SUDOERS_BYTES, self._left_for_sudoers):
                return None
            self._left_for_sudoers -= size
            raw = content.read()
            self.hold(node, raw)  # nothing in it is a password, and some paths look like hashes
            return raw
        if path in self._keep:
            wanted = size <= self._limits.account_file_bytes
        else:
            wanted = name in self._namesakes and size <= min(_NAMESAKE_BYTES, self._left_for_namesakes)
            self._left_for_namesakes -= size if wanted else 0
        if not wanted:
            return None
        raw = content.read()
        self.hold(node, without_hashes(raw))
        return raw

    def hold(self, node: int, content: bytes) -> None:
        """Keep these bytes for a node."""
        # Hard links count too: in storage each has its copy, and a layer can have a million of them.
        self._held += len(content)
        if self._held > self._limits.account_versions_bytes:
            allowed = self._limits.account_versions_bytes
            raise LimitExceeded("account_versions_bytes", allowed, "more", subject="account files and their links")
        self.by_node[node] = content
