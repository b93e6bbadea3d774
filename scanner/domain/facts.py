"""What the bytes of one image say. Never an opinion; never changes for a digest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scanner.domain.ambiguity import Ambiguity as Ambiguity
from scanner.domain.declared_base import DeclaredBase, declared_base
from scanner.domain.files import FileFacts
from scanner.domain.image_config import ImageConfig
from scanner.domain.reference import Digest

PASSWD = "/etc/passwd"
GROUP = "/etc/group"
SHADOW = "/etc/shadow"
ACCOUNT_FILES = (PASSWD, GROUP, SHADOW)


class ReadState(StrEnum):
    """How looking up an account file ended, in the terms the runtimes treat alike."""

    PRESENT = "present"
    MISSING = "missing"  # also a dangling link: every runtime reads it as an empty file
    NOT_REGULAR = "not_regular"  # a folder, device or FIFO: as missing under current Docker
    LINK_LOOP = "link_loop"  # more than 40 hops
    TOO_LARGE = "too_large"  # over 10 MiB: a start error


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer, bottom layer first.

    :param position: 0 for the bottom.
    :param created_by: the history entry that made it, or ``None`` where history cannot be attributed.
    """

    position: int
    digest: Digest
    diff_id: Digest
    media_type: str
    size: int
    created_by: str | None = None


@dataclass(frozen=True, slots=True)
class FileVersion:
    """The bytes one layer put at the place a path leads to; ``content`` is ``None`` where it removed them."""

    layer: int
    content: bytes | None


@dataclass(frozen=True, slots=True)
class AccountFile:
    """One of ``ACCOUNT_FILES`` as a process in the container would open it.

    :param path: the path asked for.
    :param resolved: the path it ended at after links, inside the root.
    :param layer: position of the layer that holds the final bytes.
    :param mode: permission bits of the final file, with uid and gid beside it.
    :param versions: every layer's bytes for it, bottom first: what NR202 compares.
    """

    path: str
    state: ReadState
    content: bytes = b""
    resolved: str | None = None
    layer: int | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    versions: tuple[FileVersion, ...] = ()
    links: tuple[str, ...] = ()

    def as_read(self) -> bytes | None:
        """The bytes a runtime gets, or ``None`` where it finds no file."""
        return self.content if self.state is ReadState.PRESENT else None


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Everything rules may look at.

    :param digest: of the platform's manifest.
    :param manifest_size: bytes of manifest, config and layers together, compressed.
    :param files: permissions and kin; ``None`` in facts stored by a release that did not read them.
    :param from_toc: nobody has read some layer's archive, only its table of contents: good enough for a fail.
    :param annotated_base: what the manifest's annotations say it was built on.
    """

    digest: Digest
    config_digest: Digest
    config: ImageConfig
    layers: tuple[Layer, ...]
    passwd: AccountFile
    group: AccountFile
    shadow: AccountFile
    ambiguities: tuple[Ambiguity, ...] = ()
    manifest_size: int = 0
    files: FileFacts | None = None
    from_toc: bool = False
    annotated_base: DeclaredBase | None = None

    @property
    def declared_base(self) -> DeclaredBase | None:
        """What it says it was built on; annotations come first, because labels are inherited."""
        return self.annotated_base or declared_base(self.config.labels)
