"""A-32: text that breaks whoever stores or shows it, at each place where an image can put text."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from tests.hostile.case import (
    ACCOUNTS,
    FAIL,
    HOME,
    PASS,
    PASSWD,
    PROGRAM,
    Case,
    cases,
    config_document,
    manifest_of,
    run,
)
from tests.support.archives import END, member, pax
from tests.support.images import Step, Stored, image
from tests.support.layers import Entry, File, Symlink, layer, layer_from_tar

TEXTS: dict[str, str] = {
    "nul": "a\0b",
    "escape": "\x1b[2J\x1b]0;owned\x07",
    "line-feeds": "a\r\nERROR b\n",
    "right-to-left": "\u202egnp.exe",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": '"\' onmouseover=alert(1) hx-get=/x hx-trigger=load x="',
    "template": "{{ 7*7 }}{% debug %}${7*7}",
    "formula": "=cmd|' /C calc'!A0",
    "format": "%s%s%n {0} {x!r}",
    "noncharacter": "\uffff\ufdd0\U0010ffff",
    "combining": "a" + "\u0301" * 3_000,
    "backticks": "```\n# heading\n```",
    "separators": "\u2028\u2029\x85\x0b\x0c",
    "path": "../../../../etc/passwd",
    "log-lines": '{"level":"error"}\n{"level":"info"}',
}


def _everywhere(text: str) -> Stored:
    """A text wherever a config has one; the user stays what it is."""
    return image(
        [layer({**ACCOUNTS, **HOME, **PROGRAM})],
        user="1001:1001",
        env=[f"A={text}", f"{text}=A", text],
        entrypoint=["/app/run", text],
        cmd=[text],
        labels={text: text},
        history=[Step(text, empty=False, comment=text)],
    )


def _as_user(text: str) -> Stored:
    return run(layer({**ACCOUNTS, **HOME, **PROGRAM}), user=text)


def _in_files(text: str) -> Stored:
    line = text.replace(":", "").replace("\n", "").encode("utf-8", "surrogatepass")
    passwd = PASSWD + line + b":x:0:0:" + line + b":/:" + line + b"\n"
    return run(layer({**ACCOUNTS, **HOME, **PROGRAM, "etc/passwd": File(passwd)}))


def _in_paths(text: str) -> Stored:
    name = text.replace("\0", "").replace("/", "").encode("utf-8", "surrogatepass")[:200]
    archive = pax({b"path": b"srv/" + name}) + member(b"x") + pax({b"linkpath": name}) + member(b"srv/l", kind=b"2")
    return run(layer({**ACCOUNTS, **HOME, **PROGRAM}), layer_from_tar(archive + END))


def _surrogates(place: str) -> Callable[[], Stored]:
    """Escapes that are no characters, as JSON may hold them."""
    lone = json.dumps("\ud800x\udfff")
    process = place.replace("TEXT", lone)
    return lambda: manifest_of(config_document(process))


_PROCESS = '"config":{"User":"1001","Entrypoint":["/app/run"],"Labels":{"a":TEXT},"Env":[TEXT]}'


def _linked(target: str) -> Stored:
    entries: dict[str, Entry] = {**ACCOUNTS, **HOME, **PROGRAM, "etc/passwd": Symlink(target)}
    return run(layer(entries), user="app")


def found() -> list[Case]:
    makers = {
        "config": (_everywhere, PASS),
        "user": (_as_user, FAIL),
        "passwd": (_in_files, FAIL),
        "path": (_in_paths, PASS),
    }
    return cases(
        "A-32",
        [
            *(
                (f"{name}-in-{place}", partial(make, text), expect)
                for name, text in TEXTS.items()
                for place, (make, expect) in makers.items()
            ),
            ("surrogates", _surrogates(_PROCESS), PASS),
            ("surrogates-in-a-key", _surrogates('"config":{"User":"1001"},"x":{TEXT:1}'), PASS),
            ("link-target", partial(_linked, "/\u202e<b>\x1b"), FAIL),
        ],
    )
