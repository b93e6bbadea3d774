"""A-01, A-02: config documents that two readers understand differently, and USER strings no grammar has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.hostile.case import FAIL, PASS, Case, cases, config_document, manifest_of, on_base
from tests.support.images import Stored
from tests.support.layers import sha256

_ZERO = sha256(b"")


def _config(process: str, extra: str = "") -> Callable[[], Stored]:
    return lambda: manifest_of(config_document(process, extra=extra))


def _raw(config: Callable[[], bytes]) -> Callable[[], Stored]:
    return lambda: manifest_of(config())


_USER = '"config":{"User":"1001","Entrypoint":["/app/run"]}'

DIFFERENTIALS: dict[str, tuple[Callable[[], Stored], str]] = {
    "two-spellings-root-last": (_config('"config":{"User":"1001","user":"0"}'), FAIL),
    "two-spellings-root-first": (_config('"config":{"user":"0","User":"1001"}'), FAIL),
    "two-configs-root-last": (_config('"config":{"User":"1001"},"Config":{"User":"0"}'), FAIL),
    "two-configs-root-first": (_config('"Config":{"User":"0"},"config":{"User":"1001"}'), FAIL),
    "long-s": (_config('"config":{"User":"1001","U\u017fer":"0"}'), FAIL),
    "long-s-escaped": (_config('"config":{"User":"1001","U\\u017fer":"0"}'), FAIL),
    "kelvin-sign": (_config(_USER + ',"roo\u212afs":{"type":"layers","diff_ids":[]}'), PASS),
    "same-key-twice-root-last": (_config('"config":{"User":"1001","User":"0"}'), FAIL),
    "same-key-twice-root-first": (_config('"config":{"User":"0","User":"1001"}'), FAIL),
    "merged-objects-root-first": (_config('"config":{"User":"0"},"config":{"Env":[]}'), FAIL),
    "merged-objects-other-first": (_config('"config":{"User":"1001"},"config":{"Env":[]}'), FAIL),
    "upper-case-root": (_config('"CONFIG":{"USER":"0"}'), FAIL),
    "upper-case-other": (_config('"CONFIG":{"USER":"1001"}'), FAIL),
    "null-after-object": (_config(_USER + ',"config":null'), FAIL),
    "null-after-user": (_config('"config":{"User":"0","User":null}'), FAIL),
    "user-number": (_config('"config":{"User":1001}'), "bad-config"),
    "user-list": (_config('"config":{"User":["1001"]}'), "bad-config"),
    "user-object": (_config('"config":{"User":{}}'), "bad-config"),
    "config-list": (_config('"config":[]'), "bad-config"),
    "second-document": (_raw(lambda: config_document(_USER) + b'{"config":{"User":"0"}}'), "bad-config"),
    "byte-order-mark": (_raw(lambda: b"\xef\xbb\xbf" + config_document(_USER)), "bad-config"),
    "comment": (_config(_USER, "/* x */"), "bad-config"),
    "trailing-comma": (_config(_USER + ","), "bad-config"),
    "single-quotes": (_config("'config':{'User':'1001'}"), "bad-config"),
    "not-a-number": (_config(_USER + ',"x":NaN'), "bad-config"),
    "raw-line-feed": (_config('"config":{"User":"10\n01"}'), "bad-config"),
    "raw-escape-character": (_config('"config":{"User":"1001\x1b"}'), "bad-config"),
    "bad-escape": (_config('"config":{"User":"\\x31001"}'), "bad-config"),
    "undecodable-user": (_config('"config":{"User":"\udcff"}'), FAIL),
    "lone-surrogate": (_config('"config":{"User":"\\ud800"}'), FAIL),
    "escaped-digits": (_config('"config":{"User":"\\u0031001","Entrypoint":["/app/run"]}'), PASS),
    "two-roots": (_config(_USER + f',"RootFS":{{"type":"layers","diff_ids":["{_ZERO}"]}}'), "diff-id-mismatch"),
    "windows-last": (_config(_USER + ',"OS":"windows"'), "disguised-image"),
    "windows-first": (_config('"OS":"windows","os":"linux",' + _USER), FAIL),
    "utf-16": (_raw(lambda: config_document(_USER).decode().encode("utf-16")), "bad-config"),
    "empty": (_raw(lambda: b""), "bad-config"),
    "null": (_raw(lambda: b"null"), "bad-config"),
}

USERS: dict[str, str] = {
    **dict.fromkeys(("", "0", "00", "-0", "+0", "root", "root:", "0:0", "0:1001", "00:1001", "root:app"), FAIL),
    **dict.fromkeys(("000000000000000000000", "+0:0", ":", ":0", ":1001", ":app", "-1", "-2147483648"), FAIL),
    **dict.fromkeys(
        ("1001", "1001:1001", "1001:0", "999", "1000", "65534", "2147483647", "01001", "+1001", "1001:"), PASS
    ),
    **dict.fromkeys(("app", "app:app", "app:0", "app:root"), FAIL),
    **dict.fromkeys(("2147483648", "4294967295", "4294967296", "4294968297", "99999999999999999999"), FAIL),
    **dict.fromkeys(("9223372036854775807", "9223372036854775808", "-9223372036854775809"), FAIL),
    **dict.fromkeys(("1_001", "1 001", " 1001", "1001 ", "1001\n", "\t1001", "0x3e9", "0o1751", "1e3", "1001.0"), FAIL),
    **dict.fromkeys(("\uff11\uff10\uff10\uff11", "\u0661\u0660\u0660\u0661", "\u0967\u0966\u0966\u0967"), FAIL),
    **dict.fromkeys(("\xa01001", "1001\u200b", "\u202e1001", "1001\x00", "0\x00", "root\x00app", "nobody"), FAIL),
    **dict.fromkeys(("::", "0::", "1001:2147483648", "1001:-1"), FAIL),
    **dict.fromkeys(("1001:99999999999999999999", "1001:nosuch", "ROOT", "Root", "../root", "$USER", "${UID}"), FAIL),
    # containerd starts none with two colons, Docker takes the first two parts: nobody becomes root, and NR113 says so.
    **dict.fromkeys(("1001:app", "1001:root", "1001:0:0", "1001:1001:", "1001::1001"), PASS),
    "x" * 100_000: FAIL,
    "9" * 100_000: FAIL,
    "1001:" + "0" * 100_000: PASS,
}


def found() -> list[Case]:
    spelled = [(_named(user), on_base(user=user), expect) for user, expect in USERS.items()]
    differential = [(name, make, expect) for name, (make, expect) in DIFFERENTIALS.items()]
    long = partial(manifest_of, config_document(f'"config":{{"User":"{"1" * 10_000_000}"}}'))
    return [
        *cases("A-01", differential),
        *cases("A-02", [*spelled, ("ten-million-characters", long, "limit-config-bytes")]),
    ]


def _named(user: str) -> str:
    return ascii(user)[1:-1] if len(user) < 60 else f"{user[:6]}-{len(user)}-characters"
