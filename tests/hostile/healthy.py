"""A-33: ordinary images, which none of the bounds may touch."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import partial

from tests.hostile.case import FACTOR, FAIL, GROUP, NOT_APPLICABLE, PASS, PASSWD, Case, cases
from tests.support.archives import END, member
from tests.support.artifacts import attestation
from tests.support.images import Step, Stored, buildkit, image, index, nop
from tests.support.images import run as ran
from tests.support.layers import (
    Compression,
    Device,
    Entry,
    File,
    Folder,
    HardLink,
    Layer,
    Opaque,
    Symlink,
    Whiteout,
    compress,
    layer,
    layer_from_tar,
)

STATIC = File(b"\x7fELF\x02\x01\x01" + bytes(200), 0o755)
_DEBIAN: Mapping[str, Entry] = {
    "bin": Symlink("usr/bin"),
    "lib": Symlink("usr/lib"),
    "etc": Folder(),
    "etc/passwd": File(PASSWD),
    "etc/group": File(GROUP),
    "etc/shadow": File(b"root:*:19000:0:99999:7:::\n", 0o640, 0, 42),
    "usr/bin": Folder(),
    "usr/bin/bash": STATIC,
    "usr/bin/su": File(b"\x7fELF", 0o4755),
    "usr/bin/ping": File(b"\x7fELF", 0o755, capability=bytes.fromhex("0100000200200000000000000000000000000000")),
    "usr/lib": Folder(),
    "tmp": Folder(0o1777),
    "var/log/apt": Folder(),
    "home/app": Folder(0o755, 1001, 1001),
}
_ALPINE: Mapping[str, Entry] = {
    "bin": Folder(),
    "bin/busybox": STATIC,
    **{f"bin/{name}": Symlink("/bin/busybox") for name in ("sh", "ls", "cat", "id")},
    "etc": Folder(),
    "etc/passwd": File(PASSWD + b"nobody:x:65534:65534:nobody:/:/sbin/nologin\n"),
    "etc/group": File(GROUP + b"nobody:x:65534:\n"),
    "home/app": Folder(0o755, 1001, 1001),
}
_NIX: Mapping[str, Entry] = {
    "nix/store/abc-accounts/etc/passwd": File(PASSWD),
    "nix/store/abc-accounts/etc/group": File(GROUP),
    "nix/store/abc-app/bin/app": STATIC,
    "etc/passwd": Symlink("/nix/store/abc-accounts/etc/passwd"),
    "etc/group": Symlink("../nix/store/abc-accounts/etc/group"),
    "home/app": Folder(0o755, 1001, 1001),
}
_BUSY: Mapping[str, Entry] = {**_ALPINE, **{f"bin/tool{number}": HardLink("bin/busybox") for number in range(300)}}
_FAMILIES: Mapping[str, tuple[Mapping[str, Entry], str]] = {
    "debian": (_DEBIAN, "/usr/bin/bash"),
    "alpine": (_ALPINE, "/bin/sh"),
    "nixos": (_NIX, "/nix/store/abc-app/bin/app"),
    "busybox": (_BUSY, "/bin/busybox"),
}
_USERS = {"1001": PASS, "1001:1001": PASS, "": FAIL, "root": FAIL, "app": FAIL}


def _ordinary(family: str, user: str, compression: Compression) -> Stored:
    entries, program = _FAMILIES[family]
    own = layer({"srv/app": Folder(0o755, 1001, 1001), "srv/app/config": File(b"a=1\n")}, compression)
    steps = [
        Step(f"ADD {family}.tar /", empty=False),
        nop('CMD ["sh"]'),
        buildkit("COPY app /srv/app"),
        nop(f"USER {user}"),
    ]
    return image([layer(entries, compression), own], user=user, entrypoint=[program], history=steps)


def _scratch() -> Stored:
    return image([layer({"app": STATIC})], user="65532:65532", entrypoint=["/app"])


def _distroless() -> Stored:
    passwd = b"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"
    base = layer(
        {
            "etc/passwd": File(passwd),
            "etc/group": File(b"nonroot:x:65532:\n"),
            "home/nonroot": Folder(0o700, 65532, 65532),
        }
    )
    return image([base, layer({"app": STATIC})], user="65532", entrypoint=["/app"])


def _estargz() -> Stored:
    """A gzip member for each file, and a table of contents as the last one."""
    files = [member(b"usr/share/f%d" % number, b"x" * 3_000) for number in range(2_000)]
    parts = [
        member(b"etc/passwd", PASSWD),
        member(b"etc/group", GROUP),
        *files,
        member(b"stargz.index.json", b"{}"),
        END,
    ]
    blob = b"".join(compress(part, "gzip") for part in parts)
    made = Layer(b"".join(parts), blob, "application/vnd.oci.image.layer.v1.tar+gzip")
    return image([made, layer({"app": STATIC})], user="1001:1001", entrypoint=["/app"])


def _zstd_chunked() -> Stored:
    """A zstd frame for each file, and what is for its own readers in skippable ones."""
    parts = [member(b"etc/passwd", PASSWD), *(member(b"f%d" % number, b"y" * 5_000) for number in range(500)), END]
    skippable = b"\x50\x2a\x4d\x18\x40\0\0\0" + bytes(64)
    blob = b"".join(compress(part, "zstd") for part in parts) + skippable
    made = Layer(b"".join(parts), blob, "application/vnd.oci.image.layer.v1.tar+zstd")
    return image([made, layer({"app": STATIC})], user="1001:1001", entrypoint=["/app"])


def _many_platforms() -> Stored:
    names = ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x")
    children = [image([layer({"app": STATIC})], user="1001", entrypoint=["/app"], platform=name) for name in names]
    return index([*children, *(attestation(child) for child in children)])


def _windows() -> Stored:
    return image([layer({"Files/app.exe": STATIC})], user="ContainerUser", platform="windows/amd64")


def _hundred_layers() -> Stored:
    layers = [layer({f"srv/{number}": File(b"%d" % number)}) for number in range(100)]
    return image([layer(_ALPINE), *layers], user="1001", entrypoint=["/bin/sh"])


def _cleaned() -> Stored:
    tidy = layer({"var/cache": Opaque(), "tmp/build": Whiteout(), "etc/motd": Whiteout()})
    dirty = layer({**_DEBIAN, "var/cache/apt/x.deb": File(b"x"), "tmp/build/o": File(b"x"), "etc/motd": File(b"x")})
    return image(
        [dirty, tidy], user="1001", entrypoint=["/usr/bin/bash"], history=[ran("apt-get update"), ran("rm -rf")]
    )


def _devices() -> Stored:
    return image(
        [layer({**_ALPINE, "dev/null": Device(), "dev/console": Device(5, 1)})], user="1001", entrypoint=["/bin/sh"]
    )


def _large_zeros() -> Stored:
    """A data base that was preallocated: compresses a thousand to one, and is ordinary."""
    data = layer_from_tar(member(b"var/lib/data", bytes(200 << 20)) + END)
    return image([layer(_ALPINE), data], user="1001", entrypoint=["/bin/sh"])


def _python(seed: int) -> Stored:
    """A few thousand files of an interpreter, sizes and depths as they are."""
    dice = random.Random(seed)
    entries: dict[str, Entry] = dict(_DEBIAN)
    for number in range(2_000):
        folder = "/".join(dice.choice(("lib", "site", "core", "test")) for _ in range(dice.randint(1, 6)))
        entries[f"usr/lib/python/{folder}/m{number}.py"] = File(dice.randbytes(dice.randint(0, 900)))
    return image([layer(entries)], user="1001:1001", entrypoint=["/usr/bin/bash"])


_SPECIAL: dict[str, tuple[Callable[[], Stored], str]] = {
    "scratch": (_scratch, PASS),
    "distroless": (_distroless, PASS),
    "estargz": (_estargz, PASS),
    "zstd-chunked": (_zstd_chunked, PASS),
    "many-platforms": (_many_platforms, "not_applicable+pass"),
    "windows": (_windows, NOT_APPLICABLE),
    "hundred-layers": (_hundred_layers, PASS),
    "cleaned-up": (_cleaned, PASS),
    "devices": (_devices, PASS),
    "zeros": (_large_zeros, PASS),
    "python": (partial(_python, 1), PASS),
    "gnu-tar": (lambda: image([layer_from_tar(member(b"./app", b"x") + END)], user="1001"), PASS),
}


def found() -> list[Case]:
    compressions: tuple[Compression, ...] = ("gzip", "zstd", "plain")
    ordinary = [
        (f"{family}-{user or 'nobody'}-{compression}", partial(_ordinary, family, user, compression), expect)
        for family in _FAMILIES
        for user, expect in _USERS.items()
        for compression in compressions
    ]
    pythons = [(f"python-{seed}", partial(_python, seed), PASS) for seed in range(2, 3 * FACTOR)]
    return cases("A-33", [*ordinary, *((name, make, to) for name, (make, to) in _SPECIAL.items()), *pythons])
