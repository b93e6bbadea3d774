"""Facts about invented images, for tests that need no bytes."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.domain.facts import (
    GROUP,
    PASSWD,
    SHADOW,
    AccountFile,
    Ambiguity,
    FileVersion,
    ImageFacts,
    Layer,
    ReadState,
)
from scanner.domain.files import FileFacts, Node, NodeKind, Place, PrivilegedFile
from scanner.domain.image_config import HistoryEntry, ImageConfig, Platform
from scanner.domain.reference import Digest

ROOT_LINE = "root:x:0:0:root:/root:/bin/sh\n"
APP = ROOT_LINE + "app:x:1001:1001::/home/app:/bin/sh\n"
APP_GROUP = "root:x:0:\napp:x:1001:\n"

# Fixture P0 of the oracle table.
P0 = (
    "root:x:0:0:root:/root:/bin/sh\nbin:x:1:1:bin:/bin:/sbin/nologin\napp:x:1000:1000:App:/home/app:/bin/sh\n"
    "web:x:1001:33::/var/www:/bin/sh\n4242:x:555:555::/n:/bin/sh\n"
)
P0_GROUP = "root:x:0:\nwheel:x:10:root,app\ndocker:x:998:app,web\napp:x:1000:\nwww:x:33:\n777:x:7:\nadm:x:4:0,1000\n"

Content = str | bytes | None
_NO_FILES = FileFacts()


def digest(number: int) -> Digest:
    """A digest that says which one it is."""
    return Digest(f"sha256:{number:064x}")


def account_file(
    path: str, content: Content, *, state: ReadState | None = None, versions: Sequence[Content] = ()
) -> AccountFile:
    """A file in the layer of its last version; without versions it came with layer 0."""
    raw = _raw(content)
    if raw is None:
        return AccountFile(path, state or ReadState.MISSING)
    layers = [_raw(version) for version in versions] or [raw]
    return AccountFile(
        path,
        state or ReadState.PRESENT,
        content=raw,
        resolved=path,
        layer=len(layers) - 1,
        mode=0o644,
        uid=0,
        gid=0,
        versions=tuple(FileVersion(position, version) for position, version in enumerate(layers)),
    )


def facts(
    user: str = "app",
    passwd: Content = APP,
    group: Content = APP_GROUP,
    *,
    versions: Sequence[Content] = (),
    passwd_state: ReadState | None = None,
    group_state: ReadState | None = None,
    history: Sequence[str] = (),
    ambiguities: Sequence[Ambiguity] = (),
    env: Sequence[str] = (),
    working_dir: str = "",
    files: FileFacts | None = _NO_FILES,
    exposed: Sequence[str] = (),
    entrypoint: Sequence[str] | None = None,
    shadow: Content = None,
) -> ImageFacts:
    """An image for linux/amd64 with one layer per version of passwd.

    :param versions: what each layer made of passwd, bottom first; the last one is what the container sees.
    :param history: one ``created_by`` per layer.
    :param files: nothing of note by default; ``None`` is what an older release stored.
    """
    if versions:
        passwd = versions[-1]
    count = max(len(versions), len(history), 1)
    makers = [*history, *[None] * (count - len(history))]
    layers = tuple(
        Layer(at, digest(100 + at), digest(200 + at), "application/vnd.oci.image.layer.v1.tar+gzip", 1_000, makers[at])
        for at in range(count)
    )
    config = ImageConfig(
        user=user,
        platform=Platform("linux", "amd64"),
        env=tuple(env),
        entrypoint=None if entrypoint is None else tuple(entrypoint),
        cmd=("server",),
        working_dir=working_dir,
        exposed_ports=tuple(exposed),
        diff_ids=tuple(layer.diff_id for layer in layers),
        history=tuple(HistoryEntry(maker, None, "", empty_layer=False) for maker in history),
    )
    return ImageFacts(
        digest=digest(1),
        config_digest=digest(2),
        config=config,
        layers=layers,
        passwd=account_file(PASSWD, passwd, state=passwd_state, versions=versions),
        group=account_file(GROUP, group, state=group_state),
        shadow=account_file(SHADOW, shadow),
        ambiguities=tuple(ambiguities),
        manifest_size=2_000,
        files=files,
    )


def privileged(path: str, mode: int = 0o755, uid: int = 0, gid: int = 0, capability: bytes = b"") -> PrivilegedFile:
    """An executable of layer 0 with something special about it."""
    return PrivilegedFile(Place(path, Node(NodeKind.FILE, mode, uid, gid), 0), capability)


def remapped() -> ImageFacts:
    """The article's image: ``app`` is made as 1001, then ``sed`` makes it 0."""
    return facts(
        "app",
        versions=[ROOT_LINE, APP, APP.replace("1001", "0")],
        group=APP_GROUP,
        history=[
            "/bin/sh -c #(nop) ADD file:1 in / ",
            "/bin/sh -c useradd --uid 1001 app",
            "/bin/sh -c sed -i -e 's/1001/0/g' /etc/passwd",
        ],
    )


def _raw(content: Content) -> bytes | None:
    return content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
