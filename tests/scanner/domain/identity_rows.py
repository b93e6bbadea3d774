"""115 USER strings, the account files they meet, and who runs then: executed with the real parsers.

An answer is ``uid:gid {supplementary gids}`` as the account files give them, or the key of an error.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One case.

    :param docker: moby/sys user 0.4.1; ``library_0_4_0`` the same before; ``kubernetes`` kubelet with containerd.
    :param kubelet: ``runAsNonRoot`` from 1.34 on, ``kubelet_before`` until 1.33.
    """

    number: int
    user: str
    files: str
    docker: str
    library_0_4_0: str
    kubernetes: str
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

ROWS = (
    Row(1, "", "P0", "0:0 {10}", "0:0 {10}", "0:0 {10}", "K-0", "K-0"),
    Row(2, "root", "P0", "0:0 {10}", "0:0 {10}", "0:0 {10}", "K-N", "K-N"),
    Row(3, "0", "P0", "0:0 {10}", "0:0 {10}", "0:0 {10}", "K-0", "K-0"),
    Row(4, "00", "P0", "0:0 {10}", "0:0 {10}", "0:0 {10}", "K-0", "K-0"),
    Row(5, "+0", "P0", "0:0 {10}", "0:0 {10}", "0:0 {10}", "K-0", "K-0"),
    Row(6, "-0", "P0", "0:0 {10}", "0:0 {10}", "0:0 {10}", "K-0", "K-0"),
    Row(7, "-1", "P0", "E-R", "E-R", "C-RU", "K-R", "pass"),
    Row(8, "app", "P0", "1000:1000 {10,998}", "1000:1000 {10,998}", "1000:1000 {10,998}", "K-N", "K-N"),
    Row(9, "1000", "P0", "1000:1000 {10,998}", "1000:1000 {10,998}", "1000:1000 {10,998}", "pass", "pass"),
    Row(10, "01000", "P0", "1000:1000 {10,998}", "1000:1000 {10,998}", "1000:1000 {10,998}", "pass", "pass"),
    Row(11, "+1000", "P0", "1000:1000 {10,998}", "1000:1000 {10,998}", "1000:1000 {10,998}", "pass", "pass"),
    Row(12, "app:app", "P0", "1000:1000", "1000:1000", "1000:1000 {10,998}", "K-N", "K-N"),
    Row(13, "app:1000", "P0", "1000:1000", "1000:1000", "1000:1000 {10,998}", "K-N", "K-N"),
    Row(14, "app:0", "P0", "1000:0", "1000:0", "1000:1000 {10,998}", "K-N", "K-N"),
    Row(15, "app:root", "P0", "1000:0", "1000:0", "1000:1000 {10,998}", "K-N", "K-N"),
    Row(16, "app:www", "P0", "1000:33", "1000:33", "1000:1000 {10,998}", "K-N", "K-N"),
    Row(17, "app:33", "P0", "1000:33", "1000:33", "1000:1000 {10,998}", "K-N", "K-N"),
    Row(18, "app:", "P0", "1000:1000 {10,998}", "1000:1000 {10,998}", "1000:1000 {10,998}", "K-N", "K-N"),
    Row(19, "root:", "P0", "0:0 {10}", "0:0 {10}", "0:0 {10}", "K-N", "K-N"),
    Row(20, "0:0", "P0", "0:0", "0:0", "0:0 {10}", "K-0", "K-0"),
    Row(21, "0:", "P0", "0:0 {10}", "0:0 {10}", "0:0 {10}", "K-0", "K-0"),
    Row(22, "1000:", "P0", "1000:1000 {10,998}", "1000:1000 {10,998}", "1000:1000 {10,998}", "pass", "pass"),
    Row(23, "1000:1000", "P0", "1000:1000", "1000:1000", "1000:1000 {10,998}", "pass", "pass"),
    Row(24, "1000:app", "P0", "1000:1000", "1000:1000", "1000:1000 {10,998}", "pass", "pass"),
    Row(25, "1000:root", "P0", "1000:0", "1000:0", "1000:1000 {10,998}", "pass", "pass"),
    Row(26, "1000:0", "P0", "1000:0", "1000:0", "1000:1000 {10,998}", "pass", "pass"),
    Row(27, ":", "P0", "0:0 {10}", "0:0 {10}", "0:0 {10}", "K-0", "K-0"),
    Row(28, ":1000", "P0", "0:1000", "0:1000", "0:0 {10}", "K-0", "K-0"),
    Row(29, ":app", "P0", "0:1000", "0:1000", "0:0 {10}", "K-0", "K-0"),
    Row(30, ":nosuch", "P0", "E-G", "E-G", "0:0 {10}", "K-0", "K-0"),
    Row(31, "web", "P0", "1001:33 {998}", "1001:33 {998}", "1001:33 {998}", "K-N", "K-N"),
    Row(32, "1001", "P0", "1001:33 {998}", "1001:33 {998}", "1001:33 {998}", "pass", "pass"),
    Row(33, "9999", "P0", "9999:0", "9999:0", "9999:0", "pass", "pass"),
    Row(34, "9999:", "P0", "9999:0", "9999:0", "9999:0", "pass", "pass"),
    Row(35, "9999:9999", "P0", "9999:9999", "9999:9999", "9999:0", "pass", "pass"),
    Row(36, "9999:www", "P0", "9999:33", "9999:33", "9999:0", "pass", "pass"),
    Row(37, "nosuch", "P0", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(38, "nosuch:0", "P0", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(39, "app:nosuch", "P0", "E-G", "E-G", "1000:1000 {10,998}", "K-N", "K-N"),
    Row(40, "4242", "P0", "4242:0", "4242:0", "4242:0", "pass", "pass"),
    Row(41, "555", "P0", "555:555", "555:555", "555:555", "pass", "pass"),
    Row(42, "app:777", "P0", "1000:777", "1000:777", "1000:1000 {10,998}", "K-N", "K-N"),
    Row(43, "app:7", "P0", "1000:7", "1000:7", "1000:1000 {10,998}", "K-N", "K-N"),
    Row(44, "1000:1000:1000", "P0", "1000:1000", "1000:1000", "1000:1000 {10,998}", "pass", "pass"),
    Row(45, "app:app:x", "P0", "1000:1000", "1000:1000", "1000:1000 {10,998}", "K-N", "K-N"),
    Row(46, " app", "P0", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(47, "app ", "P0", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(48, "1000 ", "P0", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(49, "0x3e8", "P0", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(50, "1e3", "P0", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(51, "1_000", "P0", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(52, "APP", "P0", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(53, "2147483647", "P0", "2147483647:0", "2147483647:0", "2147483647:0", "pass", "pass"),
    Row(54, "2147483648", "P0", "E-R", "E-R", "C-RU", "K-R", "pass"),
    Row(55, "4294967295", "P0", "E-R", "E-R", "C-RU", "K-R", "pass"),
    Row(56, "4294967296", "P0", "E-R", "E-R", "C-RU", "K-R", "pass"),
    Row(57, "9223372036854775807", "P0", "E-R", "E-R", "C-RU", "K-R", "pass"),
    Row(58, "99999999999999999999", "P0", "E-R", "E-U", "C-RU", "K-N", "K-N"),
    Row(59, "-99999999999999999999", "P0", "E-R", "E-U", "C-RU", "K-N", "K-N"),
    Row(60, "1000:2147483648", "P0", "E-R", "E-R", "1000:1000 {10,998}", "pass", "pass"),
    Row(61, "1000:4294967296", "P0", "E-R", "E-R", "1000:1000 {10,998}", "pass", "pass"),
    Row(62, "1000:-1", "P0", "E-R", "E-R", "1000:1000 {10,998}", "pass", "pass"),
    Row(63, "1000:99999999999999999999", "P0", "E-R", "E-G", "1000:1000 {10,998}", "pass", "pass"),
    Row(64, "１０００", "P0", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(65, "app\n", "P0", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(66, "65534", "P0", "65534:0", "65534:0", "65534:0", "pass", "pass"),
    Row(67, "nobody", "P0", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(68, "", "no files", "0:0", "0:0", "0:0", "K-0", "K-0"),
    Row(69, "0", "no files", "0:0", "0:0", "0:0", "K-0", "K-0"),
    Row(70, "root", "no files", "E-U", "E-U", "C-NX", "K-N", "K-N"),
    Row(71, "app", "no files", "E-U", "E-U", "C-NX", "K-N", "K-N"),
    Row(72, "1000", "no files", "1000:0", "1000:0", "1000:0", "pass", "pass"),
    Row(73, "1000:1000", "no files", "1000:1000", "1000:1000", "1000:0", "pass", "pass"),
    Row(74, "1000:app", "no files", "E-G", "E-G", "1000:0", "pass", "pass"),
    Row(75, "1000", "empty passwd", "1000:0", "1000:0", "1000:0", "pass", "pass"),
    Row(76, "root", "empty passwd", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(
        77,
        "app",
        "dup names, 1000 first",
        "1000:1000 {10,998}",
        "1000:1000 {10,998}",
        "1000:1000 {10,998}",
        "K-N",
        "K-N",
    ),
    Row(78, "app", "dup names, 0 first", "0:0 {10,998}", "0:0 {10,998}", "0:0 {10,998}", "K-N", "K-N"),
    Row(79, "1000", "dup uids", "1000:5 {9}", "1000:5 {9}", "1000:5 {9}", "pass", "pass"),
    Row(80, "app", "uid field non-numeric", "0:1000 {10,998}", "0:1000 {10,998}", "0:1000 {10,998}", "K-N", "K-N"),
    Row(81, "app", "uid field empty", "0:1000 {10,998}", "0:1000 {10,998}", "0:1000 {10,998}", "K-N", "K-N"),
    Row(82, "app", "short line 'app'", "0:0 {10,998}", "0:0 {10,998}", "0:0 {10,998}", "K-N", "K-N"),
    Row(83, "app", "short line 'app:x:1000'", "1000:0 {10,998}", "1000:0 {10,998}", "1000:0 {10,998}", "K-N", "K-N"),
    Row(84, "app", "passwd uid 4294967296", "0:1000 {10,998}", "0:1000 {10,998}", "0:1000 {10,998}", "K-N", "K-N"),
    Row(
        85,
        "app",
        "passwd uid 99999999999999999999",
        "4294967295:1000 {10,998}",
        "4294967295:1000 {10,998}",
        "4294967295:1000 {10,998}",
        "K-N",
        "K-N",
    ),
    Row(
        86,
        "app",
        "passwd uid -1",
        "4294967295:1000 {10,998}",
        "4294967295:1000 {10,998}",
        "4294967295:1000 {10,998}",
        "K-N",
        "K-N",
    ),
    Row(
        87,
        "app",
        "passwd uid 4294967295",
        "4294967295:1000 {10,998}",
        "4294967295:1000 {10,998}",
        "4294967295:1000 {10,998}",
        "K-N",
        "K-N",
    ),
    Row(88, "app", "passwd uid -4294967296", "0:0 {10,998}", "0:0 {10,998}", "0:0 {10,998}", "K-N", "K-N"),
    Row(89, "app", "passwd uid ' 1000' (space)", "0:1000 {10,998}", "0:1000 {10,998}", "0:1000 {10,998}", "K-N", "K-N"),
    Row(90, "app", "passwd uid +1000", "1000:1000 {10,998}", "1000:1000 {10,998}", "1000:1000 {10,998}", "K-N", "K-N"),
    Row(91, "", "comment line first", "0:0", "0:0", "0:0", "K-0", "K-0"),
    Row(92, "0", "comment line first", "0:0", "0:0", "0:0", "K-0", "K-0"),
    Row(
        93, "app", "comment line first", "1000:1000 {10,998}", "1000:1000 {10,998}", "1000:1000 {10,998}", "K-N", "K-N"
    ),
    Row(94, "#app", "commented user", "1000:1000", "1000:1000", "1000:1000", "K-N", "K-N"),
    Row(95, "0", "NIS line first", "0:0", "0:0", "0:0", "K-0", "K-0"),
    Row(96, "", "root entry gid 5", "0:5 {10}", "0:5 {10}", "0:5 {10}", "K-0", "K-0"),
    Row(97, "root", "root entry gid 5", "0:5 {10}", "0:5 {10}", "0:5 {10}", "K-N", "K-N"),
    Row(98, "root", "root renamed toor", "E-U", "E-U", "C-U", "K-N", "K-N"),
    Row(99, "root", "root has uid 1000", "1000:1000 {10}", "1000:1000 {10}", "1000:1000 {10}", "K-N", "K-N"),
    Row(100, "", "root has uid 1000", "0:0", "0:0", "0:0", "K-0", "K-0"),
    Row(101, "app", "app is uid 0", "0:0 {10,998}", "0:0 {10,998}", "0:0 {10,998}", "K-N", "K-N"),
    Row(102, "app", "CRLF file", "1000:1000 {10}", "1000:1000 {10}", "1000:1000 {10}", "K-N", "K-N"),
    Row(
        103,
        "app",
        "leading spaces in line",
        "1000:1000 {10,998}",
        "1000:1000 {10,998}",
        "1000:1000 {10,998}",
        "K-N",
        "K-N",
    ),
    Row(
        104,
        "app",
        "no trailing newline",
        "1000:1000 {10,998}",
        "1000:1000 {10,998}",
        "1000:1000 {10,998}",
        "K-N",
        "K-N",
    ),
    Row(105, "2147483648", "numeric name 2147483648 is root", "E-R", "E-R", "C-RU", "K-R", "pass"),
    Row(106, "99999999999999999999", "numeric name 99999999999999999999 is root", "E-R", "0:0", "C-RU", "K-N", "K-N"),
    Row(107, "-1", "name -1 is root", "E-R", "E-R", "C-RU", "K-R", "pass"),
    Row(108, "2147483648", "passwd has uid 2147483648", "E-R", "2147483648:7", "C-RU", "K-R", "pass"),
    Row(109, "app:g", "group gid non-numeric", "1000:0", "1000:0", "1000:1000", "K-N", "K-N"),
    Row(110, "app:g", "group gid 4294967296", "1000:0", "1000:0", "1000:1000", "K-N", "K-N"),
    Row(111, "app", "group comment line", "1000:1000 {998}", "1000:1000 {998}", "1000:1000 {998}", "K-N", "K-N"),
    Row(112, "app", "group list with spaces", "1000:1000", "1000:1000", "1000:1000", "K-N", "K-N"),
    Row(
        113,
        "app",
        "sgroup dup gid",
        "1000:1000 {10,10,1000}",
        "1000:1000 {10,10,1000}",
        "1000:1000 {10,10,1000}",
        "K-N",
        "K-N",
    ),
    Row(114, "app", "line >64KiB before app", "E-L", "E-L", "E-L", "K-N", "K-N"),
    Row(115, "root", "UTF-8 BOM first", "E-U", "E-U", "C-U", "K-N", "K-N"),
)
