"""B-22, B-23: registries that refuse by the thousand, and answers that are hardly HTTP."""

from __future__ import annotations

import gzip
import itertools

from tests.hostile.case import PASS
from tests.hostile.rude_registry import Rude
from tests.hostile.scenario import HEAD, LAYER, MANIFEST, TAGS, TOKEN, Answer, Scenario, at, first, head, raw

SCALED = {"retry_wait_seconds": 0.3}
BOMB = gzip.compress(bytes(64 << 20), 9)
WAITS = {
    "none": "",
    "0": "0",
    "1e9-digits": "1000000000",
    "1e9": "1e9",
    "negative": "-5",
    "date-far": "Fri, 31 Dec 9999 23:59:59 GMT",
    "date-past": "Thu, 01 Jan 1970 00:00:00 GMT",
    "date-of-no-calendar": "Mon, 99 Foo 99999999999999999999 00:00:00 GMT",
    "digits-of-a-novel": "9" * 5_000,
    "full-width": "\xb2\xb9",
    "empty": " ",
}
ERRORS = ("500 a", "502 a", "503 a", "504 a", "520 a", "530 a")


def _refusal(status: str, wait: str = "") -> Answer:
    headers = {"Retry_After": wait} if wait else {}
    return raw(head(status, Content_Length=2, **headers), b"{}")


def refusing() -> list[Scenario]:
    """429 and 50x at every place, with every kind of advice on when to come again."""
    storms = {f"429-{name}": at(MANIFEST, _refusal("429 Slow", wait)) for name, wait in WAITS.items()}
    places = {"head": HEAD, "tags": TAGS, "layer": LAYER, "token": TOKEN}
    storms |= {f"429-at-{name}": at(where, _refusal("429 Slow")) for name, where in places.items()}
    errors = {f"{status[:3]}-storm": at(MANIFEST, _refusal(status)) for status in ERRORS}
    errors |= {f"503-at-{name}": at(where, _refusal("503 Away")) for name, where in places.items()}
    passing = {"429-once": first(_refusal("429 Slow", "0")), "503-four-times": first(_refusal("503 Away"), 4)}
    return [
        *(Scenario(f"B-22/{name}", "rate-limited", manner, limits=SCALED) for name, manner in storms.items()),
        *(Scenario(f"B-22/{name}", "server-error", manner, limits=SCALED) for name, manner in errors.items()),
        *(Scenario(f"B-22/{name}", PASS, at(MANIFEST, answer), limits=SCALED) for name, answer in passing.items()),
    ]


def _endless(line: bytes, begin: bytes = b"HTTP/1.1 200 OK\r\n") -> Answer:
    return lambda rude: rude.write(begin) and rude.write_on(itertools.repeat(line * 100))


def _with_content(*before: bytes, after: bytes = b"", **headers: object) -> Answer:
    def answer(rude: Rude) -> bool:
        content = rude.content()
        kind = "application/vnd.oci.image.manifest.v1+json"
        found = {"Content_Type": kind, "Content_Length": len(content), **headers}
        return rude.write(*before, head(**{name: value for name, value in found.items() if value}), content, after)

    return answer


def _zipped(rude: Rude) -> bool:
    content = gzip.compress(rude.content())
    return rude.write(head(Content_Length=len(content), Content_Encoding="gzip"), content)


def _chunks(*chunks: bytes) -> bytes:
    return head(Transfer_Encoding="chunked", Content_Type="application/json") + b"".join(chunks)


PAGE = b"<!doctype html><title>Log in</title><form><input name=password></form>"
ODD: dict[str, tuple[Answer, str]] = {
    "1xx-flood": (_endless(b"HTTP/1.1 100 Continue\r\n\r\n", b""), "timeout|protocol-error"),
    "103-flood-with-headers": (_endless(b"HTTP/1.1 103 Early\r\nLink: <a>\r\n\r\n", b""), "timeout|protocol-error"),
    "one-1xx-first": (_with_content(b"HTTP/1.1 102 Wait\r\n\r\n"), PASS),
    "switching-protocols": (raw(head("101 Switching Protocols", Upgrade="h2c")), "protocol-error|truncated"),
    "header-of-100-mb": (raw(b"HTTP/1.1 200 OK\r\nX-Big: ", *[b"a" * (1 << 20)] * 100), "protocol-error"),
    "headers-of-100-mb": (_endless(b"X-Some: thing\r\n" * 100), "protocol-error"),
    "status-line-without-end": (_endless(b"a" * 1_000, b"HTTP/1.1 200 "), "protocol-error"),
    "lengths-that-differ": (
        _with_content(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        "protocol-error",
    ),
    "length-twice-the-same": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}"),
        "digest-mismatch",
    ),
    "length-negative": (raw(head(Content_Length=-1), b"{}"), "protocol-error"),
    "length-of-a-thousand-digits": (raw(head(Content_Length="9" * 1_000), b"{}"), "protocol-error|too-large|truncated"),
    "length-and-chunks": (_with_content(Transfer_Encoding="chunked"), "protocol-error|truncated"),
    "type-twice": (_with_content(Content_Type="text/html\r\nContent-Type: application/json"), "protocol-error"),
    "digest-twice": (_with_content(Docker_Content_Digest="sha256:0\r\nDocker-Content-Digest: x"), PASS),
    "gzip-unasked": (_zipped, "digest-mismatch"),
    "gzip-bomb": (raw(head(Content_Length=len(BOMB), Content_Encoding="gzip"), BOMB), "digest-mismatch"),
    "gzip-bomb-of-lies": (raw(head(Content_Encoding="gzip"), BOMB), "digest-mismatch"),
    "http-0.9": (raw(b'{"schemaVersion": 2}'), "protocol-error|truncated"),
    "http-2-preface": (raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "protocol-error"),
    "http-1.0": (lambda rude: rude.write(head().replace(b"1.1", b"1.0", 1), rude.content()), PASS),
    "another-protocol": (raw(b"220 smtp.example.test ESMTP\r\n"), "protocol-error|truncated"),
    "tls-alert": (raw(b"\x15\x03\x03\x00\x02\x02\x28"), "protocol-error|truncated"),
    "latin-1-in-headers": (_with_content(Server="caf\xe9"), PASS),
    "nul-in-headers": (raw(head(Server="a\0b", Content_Length=2), b"{}"), "protocol-error"),
    "header-without-name": (raw(b"HTTP/1.1 200 OK\r\n: x\r\n\r\n"), "protocol-error"),
    "folded-header": (
        raw(b"HTTP/1.1 200 OK\r\nServer: a\r\n b\r\nContent-Length: 2\r\n\r\n{}"),
        "digest-mismatch|protocol-error",
    ),
    "204-with-body": (raw(head("204 No Content", Content_Length=2), b"{}"), "protocol-error"),
    "304": (raw(head("304 Not Modified")), "protocol-error"),
    "206-unasked": (
        raw(head("206 Partial Content", Content_Range="bytes 0-1/2", Content_Length=2), b"{}"),
        "protocol-error",
    ),
    "203": (raw(head("203 Non-Authoritative Information", Content_Length=2), b"{}"), "protocol-error"),
    "status-99": (raw(b"HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n"), "protocol-error|truncated"),
    "status-999": (raw(head("999 No", Content_Length=0)), "protocol-error"),
    "web-page": (raw(head(Content_Type="text/html", Content_Length=len(PAGE)), PAGE), "protocol-error"),
    "web-page-called-json": (
        raw(head(Content_Type="application/json", Content_Length=len(PAGE)), PAGE),
        "digest-mismatch",
    ),
    "chunk-without-end": (_endless(b"a" * 1_000, _chunks(b"ffffffffff\r\n")), "too-large"),
    "chunk-size-of-no-number": (raw(_chunks(b"zz\r\n{}\r\n0\r\n\r\n")), "protocol-error"),
    "chunk-extensions": (_endless(b";a=b" * 100, _chunks(b"2")), "protocol-error|timeout"),
    "trailers-without-end": (
        _endless(b"X-T: y\r\n", _chunks(b"2\r\n{}\r\n0\r\n")),
        "protocol-error|digest-mismatch|timeout",
    ),
    "body-without-end": (_endless(b"a" * 1_000, head(Content_Type="application/json")), "too-large"),
    "more-than-was-said": (
        _with_content(after=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
        f"{PASS}|digest-mismatch|truncated",
    ),
}


def odd() -> list[Scenario]:
    """In place of a manifest; web pages in place of everything else too."""
    page = raw(head(Content_Type="text/html", Content_Length=len(PAGE)), PAGE)
    lists = {"tags": TAGS, "token": TOKEN, "head": HEAD}
    codes = {"token": "token-invalid|protocol-error"}
    bombs = {**codes, "head": "manifest-unknown|protocol-error"}  # what follows the head may be read as the next answer
    bomb = raw(head(Content_Encoding="gzip", Content_Length=len(BOMB)), BOMB)
    return [
        *(
            Scenario(
                f"B-23/{name}",
                expect,
                at(MANIFEST, answer, "GET"),
                limits={**SCALED, "first_byte_seconds": 0.8, "retries": 1},
            )
            for name, (answer, expect) in ODD.items()
        ),
        *(
            Scenario(f"B-23/web-page-at-{name}", codes.get(name, "protocol-error"), at(where, page))
            for name, where in lists.items()
        ),
        *(
            Scenario(f"B-23/gzip-bomb-at-{name}", bombs.get(name, "protocol-error"), at(where, bomb))
            for name, where in lists.items()
        ),
        Scenario("B-23/web-page-for-a-layer", "digest-mismatch", at(LAYER, page)),
    ]
