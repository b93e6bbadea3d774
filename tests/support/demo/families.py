"""Base file systems: small stand-ins for Debian, Alpine, a Red Hat and a distroless base, and nothing at all.

Account files are what those bases ship; everything else is only as large as a demo needs.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from functools import cache

from tests.support.images import Entry, File, Folder, Layer, Step, Symlink, buildkit, layer, nop

_DEBIAN_PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
sys:x:3:3:sys:/dev:/usr/sbin/nologin
sync:x:4:65534:sync:/bin:/bin/sync
games:x:5:60:games:/usr/games:/usr/sbin/nologin
man:x:6:12:man:/var/cache/man:/usr/sbin/nologin
lp:x:7:7:lp:/var/spool/lpd:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
news:x:9:9:news:/var/spool/news:/usr/sbin/nologin
uucp:x:10:10:uucp:/var/spool/uucp:/usr/sbin/nologin
proxy:x:13:13:proxy:/bin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
backup:x:34:34:backup:/var/backups:/usr/sbin/nologin
list:x:38:38:Mailing List Manager:/var/list:/usr/sbin/nologin
irc:x:39:39:ircd:/run/ircd:/usr/sbin/nologin
_apt:x:42:65534::/nonexistent:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
_DEBIAN_GROUP = """\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
lp:x:7:
mail:x:8:
man:x:12:
kmem:x:15:
dialout:x:20:
sudo:x:27:
www-data:x:33:
backup:x:34:
shadow:x:42:
utmp:x:43:
staff:x:50:
games:x:60:
users:x:100:
nogroup:x:65534:
"""
_ALPINE_PASSWD = """\
root:x:0:0:root:/root:/bin/ash
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
adm:x:3:4:adm:/var/adm:/sbin/nologin
lp:x:4:7:lp:/var/spool/lpd:/sbin/nologin
mail:x:8:12:mail:/var/mail:/sbin/nologin
operator:x:11:0:operator:/root:/sbin/nologin
guest:x:405:100:guest:/dev/null:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
"""
_ALPINE_GROUP = """\
root:x:0:root
bin:x:1:root,bin,daemon
daemon:x:2:root,bin,daemon
sys:x:3:root,bin
adm:x:4:root,daemon
tty:x:5:
disk:x:6:root
wheel:x:10:root
mail:x:12:mail
users:x:100:
nogroup:x:65533:
nobody:x:65534:
"""
_UBI_PASSWD = """\
root:x:0:0:root:/root:/bin/bash
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
adm:x:3:4:adm:/var/adm:/sbin/nologin
mail:x:8:12:mail:/var/spool/mail:/sbin/nologin
operator:x:11:0:operator:/root:/sbin/nologin
ftp:x:14:50:FTP User:/var/ftp:/sbin/nologin
nobody:x:65534:65534:Kernel Overflow User:/:/sbin/nologin
"""
_UBI_GROUP = """\
root:x:0:
bin:x:1:
daemon:x:2:
adm:x:4:
mail:x:12:
wheel:x:10:
ftp:x:50:
nobody:x:65534:
"""
_DISTROLESS_PASSWD = """\
root:x:0:0:root:/root:/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
"""
_DISTROLESS_GROUP = "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n"


@dataclass(frozen=True, slots=True)
class Family:
    """A base: what images say they were built on, its account files, the shell it has."""

    name: str
    release: str
    base: str
    passwd: str
    group: str
    shell: str | None

    def with_accounts(self, passwd: str = "", group: str = "") -> dict[str, Entry]:
        """The account files after ``groupadd`` and ``useradd`` appended to them."""
        found: dict[str, Entry] = {"etc": Folder(), "etc/passwd": File((self.passwd + passwd).encode())}
        if group:
            found["etc/group"] = File((self.group + group).encode())
        return found


DEBIAN = Family(
    "debian",
    "Debian GNU/Linux 12 (bookworm)",
    "docker.io/library/debian:12",
    _DEBIAN_PASSWD,
    _DEBIAN_GROUP,
    "usr/bin/bash",
)
ALPINE = Family(
    "alpine", "Alpine Linux v3.21", "docker.io/library/alpine:3.21", _ALPINE_PASSWD, _ALPINE_GROUP, "bin/busybox"
)
UBI = Family(
    "ubi",
    "Red Hat Enterprise Linux 9.5 (Plow)",
    "registry.example/base/ubi:9.5",
    _UBI_PASSWD,
    _UBI_GROUP,
    "usr/bin/bash",
)
DISTROLESS = Family(
    "distroless", "Distroless", "registry.example/base/distroless:nonroot", _DISTROLESS_PASSWD, _DISTROLESS_GROUP, None
)


def noise(seed: str, size: int) -> bytes:
    """Bytes that do not compress and are the same on every run."""
    return random.Random(seed).randbytes(size)


# What the kernel looks at before it runs a static program: one program header, which is not about a loader.
_ELF = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0) + bytes(56)


def program(seed: str, size: int = 2_000, mode: int = 0o755) -> File:
    """A file that the kernel would take for a static program."""
    return File(_ELF + noise(seed, size), mode)


@cache
def base_layer(family: Family, platform: str = "linux/amd64") -> Layer:
    """The base of a family; another platform has other programs and the same accounts."""
    seed = f"{family.name} {platform}"
    entries: dict[str, Entry] = {
        **{name: Folder() for name in ("etc", "home", "usr", "usr/bin", "usr/lib", "usr/sbin", "var", "var/lib")},
        "root": Folder(0o700),
        "tmp": Folder(0o1777),
        "var/tmp": Folder(0o1777),
        "etc/passwd": File(family.passwd.encode()),
        "etc/group": File(family.group.encode()),
        "etc/os-release": File(f'PRETTY_NAME="{family.release}"\nID={family.name}\n'.encode()),
        "usr/lib/libc.so.6": program(f"{seed} libc", 24_000),
    }
    return layer(entries | _shell(family, seed))


def _shell(family: Family, seed: str) -> dict[str, Entry]:
    if family.shell is None:
        return {}
    shadow = "".join(f"{line.split(':')[0]}:*:19700:0:99999:7:::\n" for line in family.passwd.splitlines())
    found: dict[str, Entry] = {
        "etc/shadow": File(shadow.encode(), 0o640, 0, 42),
        family.shell: program(f"{seed} shell", 12_000),
    }
    if family is ALPINE:
        return {"bin": Folder(), **found, "bin/sh": Symlink("/bin/busybox"), "usr/bin/env": Symlink("/bin/busybox")}
    setuid = {f"usr/bin/{name}": program(f"{seed} {name}", 3_000, 0o4755) for name in ("su", "passwd", "mount")}
    return {"bin": Symlink("usr/bin"), **found, "usr/bin/sh": Symlink("bash"), "usr/bin/env": program(seed), **setuid}


def base_history(family: Family) -> list[Step]:
    """What the history of an image starts with."""
    if family is ALPINE:
        return [buildkit("ADD alpine-minirootfs-3.21.3-x86_64.tar.gz / # buildkit"), buildkit('CMD ["/bin/sh"]')]
    if family is DISTROLESS:
        return [Step("bazel build @distroless//base:base_nonroot", empty=False)]
    digest = noise(family.name, 32).hex()
    return [Step(f"/bin/sh -c #(nop) ADD file:{digest} in / ", empty=False), nop('CMD ["bash"]')]
