"""Image configs that readers of JSON read differently: folded keys, duplicates, nulls, wrong types, odd bytes."""

from __future__ import annotations

from random import Random

_CONFIG_KEYS = ("config", "config", "config", "Config", "CONFIG", "conf\\u0069g", "cOnfig", "config ")
_USER_KEYS = ("User", "User", "User", "user", "USER", "u\\u017fer", "uſer", "Us\\u0065r", "User\\u0000", "U_ser")
_OTHER_KEYS = ("Env", "WorkingDir", "Entrypoint", "Cmd", "env", "ENTRYPOINT", "worKingdir", "wor\\u212aingDir", "cmd")
_TOP_KEYS = ("os", "OS", "architecture", "created", "Created", "variant", "os.version", "history", "unknown")
_USERS = (
    *('"0"', '"1001"', '"app"', '""', '"root"', '"1001:0"', "null", '"a\\u0000b"', '"\\ud800"', '"\\ud83d\\ude00"'),
    *("1000", "true", "[]", '["0"]', "{}", '"caf\\u00e9"', '"\\u0030"', '"0"', '"1001"', '" 0"', '"\\/x"'),
)
_WORDS = ('["/run"]', '["/bin/sh","-c","x"]', '"/run"', "[]", "null", '""', "[1]", "{}", "true", '["a",null]')
_TEXTS = ('"/srv"', '""', "null", '"relative"', "7", "[]")
_TIMES = ('"2024-01-02T03:04:05Z"', '"2024-01-02T03:04:05.123456789+01:00"', "null", '""', '"yesterday"', "5")
_ODD = (b"\xff", b"\x00", b"\xc3", b"NaN", b"'", b",", b"//x", b"\t", b"\xef\xbb\xbf", b"{", b"]", b"-", b"01", b"\\x")
_ROOTFS = '"rootfs":{"type":"layers","diff_ids":[]}'


def configs(seed: int, count: int) -> list[bytes]:
    """The same for the same seed."""
    dice = Random(seed)
    return [_damaged(dice, _document(dice)) for _ in range(count)]


def _document(dice: Random) -> str:
    parts = [f'"{dice.choice(_CONFIG_KEYS)}":{_config(dice)}' for _ in range(dice.choice((1, 1, 1, 2, 2, 3)))]
    parts += [_top(dice) for _ in range(dice.choice((0, 0, 1, 2)))]
    if dice.random() < 0.95:
        parts.append(dice.choice((_ROOTFS, _ROOTFS, _ROOTFS, '"RootFS":{"TYPE":"layers"}', '"rootfs":null')))
    dice.shuffle(parts)
    return "{" + ",".join(parts) + "}" + dice.choice(("", "", "", "\n", " ", "\r\n\t"))


def _config(dice: Random) -> str:
    if dice.random() < 0.1:
        return dice.choice(("null", "{}", "[]", '"x"', "7"))
    parts = [f'"{dice.choice(_USER_KEYS)}":{dice.choice(_USERS)}' for _ in range(dice.choice((0, 1, 1, 1, 2, 3)))]
    parts += [_other(dice) for _ in range(dice.choice((0, 0, 1, 2, 3)))]
    dice.shuffle(parts)
    return "{" + ",".join(parts) + "}"


def _other(dice: Random) -> str:
    key = dice.choice(_OTHER_KEYS)
    return f'"{key}":{dice.choice(_TEXTS if key[0] in "Ww" else _WORDS)}'


def _top(dice: Random) -> str:
    key = dice.choice(_TOP_KEYS)
    if key == "history":
        entry = (
            f'{{"created_by":"x","created":{dice.choice(_TIMES)},"Empty_Layer":{dice.choice(("true", "null", "1"))}}}'
        )
        return f'"history":{dice.choice(("null", "[]", f"[{entry}]", "{}"))}'
    return f'"{key}":{dice.choice(_TIMES if key.lower() == "created" else _TEXTS)}'


def _damaged(dice: Random, document: str) -> bytes:
    raw = document.encode("utf-8")
    if dice.random() < 0.9:
        return raw
    at = dice.randrange(len(raw) + 1)
    return raw[:at] + (dice.choice(_ODD) if dice.random() < 0.7 else b"") + raw[at + dice.choice((0, 0, 1, 3)) :]
