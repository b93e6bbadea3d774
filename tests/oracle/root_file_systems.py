"""Ways to arrange ``/etc/passwd`` in layers: what a runtime sees is the question, an engine's answer is the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.support.images import (
    Device,
    Entry,
    File,
    Folder,
    HardLink,
    Layer,
    Opaque,
    Stored,
    Symlink,
    Whiteout,
    image,
    layer,
)
from tests.support.static_id import static_id


def _passwd(uid: int) -> File:
    return File(f"root:x:0:0:root:/root:/bin/sh\napp:x:{uid}:{uid}::/home/app{uid}:/bin/sh\n".encode())


GROUP = File(b"root:x:0:\nwheel:x:10:app\n")
ETC: dict[str, Entry] = {"etc": Folder(), "etc/passwd": _passwd(1001), "etc/group": GROUP}
USR: dict[str, Entry] = {"usr": Folder(), "usr/etc": Folder(), "usr/etc/passwd": _passwd(1002), "usr/etc/group": GROUP}

# Name → layers from the bottom; USER is always ``app``.
ARRANGEMENTS: Mapping[str, Sequence[Mapping[str, Entry]]] = {
    "one layer": [ETC],
    "names begin with ./": [{f"./{path}": entry for path, entry in ETC.items()}],
    "no folder entries": [{"etc/passwd": _passwd(1001), "etc/group": GROUP}],
    "rewritten twice": [ETC, {"etc/passwd": _passwd(0)}, {"etc/passwd": _passwd(1003)}],
    "rewritten to root": [ETC, {"etc/passwd": _passwd(0)}],
    "only the mode changes in a later layer": [ETC, {"etc/passwd": File(_passwd(1001).content, 0o600)}],
    "nobody may read it": [{**ETC, "etc/passwd": File(_passwd(1001).content, 0)}],
    "deleted": [ETC, {"etc/passwd": Whiteout()}],
    "deleted and made again": [ETC, {"etc/passwd": Whiteout()}, {"etc/passwd": _passwd(1004)}],
    "group deleted": [ETC, {"etc/group": Whiteout()}],
    "its folder deleted": [ETC, {"etc": Whiteout()}],
    "its folder opaque": [ETC, {"etc": Folder(), "etc/": Opaque(), "etc/motd": File()}],
    "its folder opaque and filled again": [ETC, {"etc": Folder(), "etc/": Opaque(), "etc/passwd": _passwd(1005)}],
    "a link beside it": [{**ETC, "etc/passwd": Symlink("passwd.real"), "etc/passwd.real": _passwd(1006)}],
    "a link elsewhere": [USR, {**ETC, "etc/passwd": Symlink("../usr/etc/passwd")}],
    "an absolute link": [USR, {**ETC, "etc/passwd": Symlink("/usr/etc/passwd")}],
    "a link that climbs out": [USR, {**ETC, "etc/passwd": Symlink("../../../../usr/etc/passwd")}],
    "links in a row": [
        {**ETC, **USR, "etc/passwd": Symlink("a"), "etc/a": Symlink("/etc/b"), "etc/b": Symlink("../usr/etc/passwd")}
    ],
    "a link to nothing": [{**ETC, "etc/passwd": Symlink("missing")}],
    "a link whose target a later layer changes": [
        {**USR, **ETC, "etc/passwd": Symlink("/usr/etc/passwd")},
        {"usr/etc/passwd": _passwd(1007)},
    ],
    "a link that becomes a file": [
        {**USR, **ETC, "etc/passwd": Symlink("/usr/etc/passwd")},
        {"etc/passwd": _passwd(1008)},
    ],
    "a file that becomes a link": [{**USR, **ETC}, {"etc/passwd": Symlink("/usr/etc/passwd")}],
    "the folder is a link": [{**USR, "etc": Symlink("usr/etc")}],
    "the folder is an absolute link": [{**USR, "etc": Symlink("/usr/etc")}],
    "the folder becomes a link": [{**ETC, **USR}, {"etc": Symlink("usr/etc")}],
    "a link becomes the folder": [{**USR, "etc": Symlink("usr/etc")}, {**ETC, "etc/passwd": _passwd(1009)}],
    "a link to what the engine makes anew": [{**ETC, "etc/hosts": _passwd(1011), "etc/passwd": Symlink("hosts")}],
    "a hard link": [{"etc/real": _passwd(1010), **ETC, "etc/passwd": HardLink("etc/real")}],
    "a hard link whose other name changes later": [
        {"etc/real": _passwd(1010), **ETC, "etc/passwd": HardLink("etc/real")},
        {"etc/real": _passwd(0)},
    ],
    "a folder": [{**ETC, "etc/passwd": Folder(), "etc/passwd/x": File()}],
    "a device": [{**ETC, "etc/passwd": Device()}],
    "the whole root deleted and made again": [{**ETC, **USR}, {"etc": Whiteout(), "usr": Whiteout()}, ETC],
}


def arranged(name: str, user: str = "app") -> Stored:
    """An image with ``id`` in its lowest layer and the arrangement above."""
    program: Layer = layer({"id": File(static_id(), 0o755)})
    layers = [program, *(layer(entries) for entries in ARRANGEMENTS[name])]
    return image(layers, user=user, entrypoint=["/id"])
