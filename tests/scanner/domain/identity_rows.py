"""115 USER strings, the account files they meet, and who runs then: executed with the real parsers.

``identity_rows.txt`` has a line for each. An answer is ``uid:gid {supplementary gids}`` as the account files give them,
or the key of an error; the columns *containerd* and *buildah* leave the groups out. The column *podman* follows the
source of Podman 5, and a real 4.3.1 where it does not write into the account files first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One case.

    :param user: the USER string; ``files`` a key of ``FILES``.
    :param docker: moby/sys user 0.4.1; ``library_0_4_0`` the same before.
    :param kubernetes: kubelet with containerd; ``crio`` kubelet with CRI-O.
    :param buildah: what a RUN instruction gets, as is ``buildkit``.
    :param kubelet: ``runAsNonRoot`` from 1.34 on, ``kubelet_before`` until 1.33.
    """

    number: int
    user: str
    files: str
    docker: str
    library_0_4_0: str
    containerd: str
    kubernetes: str
    crio: str
    podman: str
    buildah: str
    buildkit: str
    kubelet: str
    kubelet_before: str


_ROOT = b"root:x:0:0:root:/root:/bin/sh\n"
_BIN = b"bin:x:1:1:bin:/bin:/sbin/nologin\n"
_APP = b"app:x:1000:1000:App:/home/app:/bin/sh\n"
_WEB = b"web:x:1001:33::/var/www:/bin/sh\n"

P0_PASSWD = _ROOT + _BIN + _APP + _WEB + b"4242:x:555:555::/n:/bin/sh\n"
P0_GROUP = b"root:x:0:\nwheel:x:10:root,app\ndocker:x:998:app,web\napp:x:1000:\nwww:x:33:\n777:x:7:\nadm:x:4:0,1000\n"


def _app(uid: bytes, gid: bytes = b"1000") -> tuple[bytes, bytes]:
    return _ROOT + b"app:x:" + uid + b":" + gid + b"::/home/app:/bin/sh\n", P0_GROUP


FILES: dict[str, tuple[bytes | None, bytes | None]] = {
    "P0": (P0_PASSWD, P0_GROUP),
    "no files": (None, None),
    "empty passwd": (b"", P0_GROUP),
    "dup names, 1000 first": (_ROOT + _APP + b"app:x:0:0::/root:/bin/sh\n", P0_GROUP),
    "dup names, 0 first": (_ROOT + b"app:x:0:0::/root:/bin/sh\n" + _APP, P0_GROUP),
    "dup uids": (_ROOT + b"one:x:1000:5::/one:/bin/sh\ntwo:x:1000:6::/two:/bin/sh\n", b"a:x:9:one\nb:x:8:two\n"),
    "uid field non-numeric": _app(b"foo"),
    "uid field empty": _app(b""),
    "short line 'app'": (_ROOT + b"app\n", P0_GROUP),
    "short line 'app:x:1000'": (_ROOT + b"app:x:1000\n", P0_GROUP),
    "passwd uid 4294967296": _app(b"4294967296"),
    "passwd uid 99999999999999999999": _app(b"99999999999999999999"),
    "passwd uid -1": _app(b"-1"),
    "passwd uid 4294967295": _app(b"4294967295"),
    "passwd uid -4294967296": _app(b"-4294967296", b"0"),
    "passwd uid ' 1000' (space)": _app(b" 1000"),
    "passwd uid +1000": _app(b"+1000"),
    "comment line first": (b"# users\n" + P0_PASSWD, P0_GROUP),
    "commented user": (_ROOT + b"#app:x:1000:1000::/home/app:/bin/sh\n", P0_GROUP),
    "NIS line first": (b"+::::::\n" + P0_PASSWD, P0_GROUP),
    "root entry gid 5": (b"root:x:0:5:root:/root:/bin/sh\n" + _APP, P0_GROUP),
    "root renamed toor": (b"toor:x:0:0:root:/root:/bin/sh\n" + _APP, P0_GROUP),
    "root has uid 1000": (b"root:x:1000:1000:root:/root:/bin/sh\n", P0_GROUP),
    "app is uid 0": _app(b"0", b"0"),
    "CRLF file": (
        b"root:x:0:0:root:/root:/bin/sh\r\napp:x:1000:1000::/home/app:/bin/sh\r\n",
        b"root:x:0:\r\nwheel:x:10:root,app\r\n",
    ),
    "leading spaces in line": (_ROOT + b"  \t" + _APP, P0_GROUP),
    "no trailing newline": (P0_PASSWD + b"last:x:1:1::/:/bin/sh", P0_GROUP[:-1]),
    "numeric name 2147483648 is root": (_ROOT + b"2147483648:x:0:0::/root:/bin/sh\n", P0_GROUP),
    "numeric name 99999999999999999999 is root": (_ROOT + b"99999999999999999999:x:0:0::/root:/bin/sh\n", P0_GROUP),
    "name -1 is root": (_ROOT + b"-1:x:0:0::/root:/bin/sh\n", P0_GROUP),
    "passwd has uid 2147483648": (_ROOT + b"big:x:2147483648:7::/big:/bin/sh\n", P0_GROUP),
    "group gid non-numeric": (P0_PASSWD, b"g:x:abc:\n"),
    "group gid 4294967296": (P0_PASSWD, b"g:x:4294967296:\n"),
    "group comment line": (P0_PASSWD, b"# groups\n#wheel:x:10:app\ndocker:x:998:app\n"),
    "group list with spaces": (P0_PASSWD, b"wheel:x:10: app\ndocker:x:998:web, app\n"),
    "sgroup dup gid": (P0_PASSWD, b"a:x:10:app\nb:x:10:app,web\nc:x:1000:app\n"),
    "line >64KiB before app": (_ROOT + b"long:x:5:5:" + b"a" * 65536 + b":/:/bin/sh\n" + _APP, P0_GROUP),
    "UTF-8 BOM first": (b"\xef\xbb\xbf" + P0_PASSWD, P0_GROUP),
}


def _row(line: str) -> Row:
    number, user, *cells = (cell.strip() for cell in line.split(" | "))
    return Row(int(number), json.loads(user), *cells)


ROWS = tuple(map(_row, Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines()[1:]))
