"""B-01, B-02, B-04, B-05, B-24: registries that lead elsewhere, never end, or say another thing each time.

In texts ``{other}`` is a host that listens and must hear no secret.
"""

from __future__ import annotations

import itertools
import json

from tests.hostile.case import BASE, FAIL, PASS, run
from tests.hostile.rude_registry import Rude
from tests.hostile.scan_worker import REPOSITORY
from tests.hostile.scenario import HEAD, LARGE, LAYER, MANIFEST, TAGS, TOKEN, Answer, Scenario, at, first, head, shop
from tests.support.images import Stored
from tests.support.layers import File, layer

OTHER_IMAGE = run(BASE, layer({"srv/other": File(b"other")}), user="0")
REALMS = {
    "http": "http://{other}/token",
    "https": "https://{other}/token",
    "userinfo": "http://{home}@{other}/token",
    "userinfo-with-password": "http://{home}:80@{other}/",
    "backslash": "http://{other}\\\\@{home}/token",
    "fragment": "http://{other}#@{home}/",
    "query": "http://{other}?@{home}/token",
    "trailing-dot": "http://127.0.0.2.:1/token",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "metadata-mapped": "http://[::ffff:169.254.169.254]/",
    "metadata-decimal": "http://2852039166/",
    "metadata-octal": "http://0251.0376.0251.0376/",
    "metadata-hexadecimal": "http://0xa9fea9fe/",
    "zero": "http://0/token",
    "loopback-short": "http://127.2/token",
    "file": "file:///etc/passwd",
    "gopher": "gopher://{other}/_GET",
    "no-scheme": "//{other}/token",
    "idn": "http://\xff\xff.example/token",
    "line-break": "http://{other}/a%0d%0aX: y",
    "dict": "dict://{other}/token",
    "nothing": "",
}


def _said(rude: Rude, text: str) -> str:
    return text.replace("{other}", rude.server.elsewhere).replace("{home}", rude.server.host)


def _challenge(text: str) -> Answer:
    def answer(rude: Rude) -> bool:
        realm = f'Bearer realm="{_said(rude, text)}",service="demo",scope="repository:{REPOSITORY}:pull"'
        return rude.write(head("401 Unauthorized", WWW_Authenticate=realm, Content_Length=0))

    return answer


def _redirect(text: str) -> Answer:
    def answer(rude: Rude) -> bool:
        location = _said(rude, text.replace("{path}", rude.path))
        return rude.write(head("307 Elsewhere", Location=location, Content_Length=1 << 40), b"a" * 100_000)

    return answer


def _next_page(text: str) -> Answer:
    def answer(rude: Rude) -> bool:
        body = json.dumps({"name": "x", "tags": [f"t{rude.server.spoiled}"]}).encode()
        link = _said(rude, text).replace("{number}", str(rude.server.spoiled)).replace("{path}", rude.path)
        return rude.write(head(Link=f'<{link}>; rel="next"', Content_Length=len(body)), body)

    return answer


def luring() -> list[Scenario]:
    """Realms, redirects and pages that lead to another host."""
    forbidden = "token-realm-forbidden|auth-failed|protocol-error"
    lost = "blob-unknown|manifest-unknown|repository-unknown|redirect-forbidden|forbidden-address|denied|protocol-error"
    targets = {
        "other": "http://{other}{path}",
        "userinfo": "http://{home}@{other}{path}",
        "metadata": "http://169.254.169.254/",
        "metadata-mapped": "http://[::ffff:a9fe:a9fe]/",
        "file": "file:///etc/passwd",
        "no-address": "http://[",
    }
    places = {"manifest": MANIFEST, "layer": LAYER, "tags": TAGS, "head": HEAD}
    pages = {
        "other": "http://{other}/v2/",
        "scheme": "https://{home}{path}",
        "no-scheme": "//{other}/",
        "userinfo": "http://{home}@{other}/",
    }
    return [
        *(Scenario(f"B-01/{name}", forbidden, at(TAGS, _challenge(text)), requests=2) for name, text in REALMS.items()),
        *(
            Scenario(f"B-02/{place}-to-{name}", lost, at(where, _redirect(text)), requests=2)
            for place, where in places.items()
            for name, text in targets.items()
        ),
        Scenario(
            "B-02/token-to-other", "token-realm-forbidden", at(TOKEN, _redirect("http://{other}/token")), requests=3
        ),
        Scenario("B-02/loop", "redirect-loop", at(MANIFEST, _redirect("{path}")), requests=6),
        Scenario("B-02/loop-over-tags", "redirect-loop", at(TAGS, _redirect("{path}&a")), requests=6),
        *(
            Scenario(
                f"B-04/next-{name}", "pagination-forbidden|pagination-loop", at(TAGS, _next_page(text)), requests=3
            )
            for name, text in pages.items()
        ),
        Scenario(
            "B-04/endless",
            "pagination-loop|limit-pages",
            at(TAGS, _next_page("/v2/hostile/image/tags/list?last={number}")),
            requests=22,
            limits={"pages": 20},
        ),
        Scenario("B-04/same-page", "pagination-loop", at(TAGS, _next_page("{path}")), requests=4),
    ]


def _json(text: bytes) -> Answer:
    return lambda rude: rude.write(head(Content_Type="application/json", Content_Length=len(text)), text)


def _endless_token(rude: Rude) -> bool:
    return rude.write(head(), b'{"token": "') and rude.write_on(itertools.repeat(b"a" * 65_536))


def asking_again() -> list[Scenario]:
    """Token services that give what is not accepted, and what is no token."""
    bodies = {
        "no-json": b"token",
        "no-token": b"{}",
        "token-of-a-number": b'{"token": 5}',
        "token-with-a-line-break": b'{"token": "a\\r\\nX: y"}',
        "token-not-ascii": '{"token": "ÿ"}'.encode(),
        "deep": b"[" * 60_000,
    }
    scenarios = [
        Scenario(f"B-05/{name}", "token-invalid|protocol-error", at(TOKEN, _json(body)))
        for name, body in bodies.items()
    ]
    scope = {"unauthorized_forever": True, "new_scope_each_time": True}
    expiries: dict[str, object] = {"0": 0, "negative": -1, "1e18": 10**18, "text": "soon", "null": None}
    return [
        *scenarios,
        Scenario("B-05/token-without-end", "too-large", at(TOKEN, _endless_token)),
        Scenario(
            "B-05/never-accepted",
            "auth-loop|auth-failed",
            at("/", lambda rude: False),
            requests=8,
            faults={"unauthorized_forever": True},
        ),
        Scenario(
            "B-05/another-scope-each-time",
            "auth-loop|auth-failed",
            at("/", lambda rude: False),
            requests=8,
            faults=scope,
        ),
        *(
            Scenario(
                f"B-05/expires-{name}", PASS, at("/", lambda rude: False), requests=24, faults={"expires_in": value}
            )
            for name, value in expiries.items()
        ),
    ]


def _manifest(stored: Stored, *, digest: str = "", body: bool = True) -> Answer:
    def answer(rude: Rude) -> bool:
        named = {"Docker_Content_Digest": digest} if digest else {}
        top = head(Content_Type=stored.media_type, Content_Length=len(stored.body), **named)
        return rude.write(top, stored.body if rude.command == "GET" else b"")

    return answer


def _each_time(*answers: Answer) -> Answer:
    """Another one each time."""
    return lambda rude: answers[(rude.server.spoiled - 1) % len(answers)](rude)


def _gone(rude: Rude) -> bool:
    return rude.write(head("404 Not Found", Content_Length=0))


def equivocating() -> list[Scenario]:
    """Another manifest for each request, and things that are deleted while they are scanned."""
    mine, theirs = shop(), OTHER_IMAGE
    either = f"{PASS}|{FAIL}"
    mismatch = "digest-mismatch"
    moves = _each_time(_manifest(theirs, digest=theirs.digest), _manifest(mine, digest=mine.digest))
    unnamed = _each_time(_manifest(theirs), _manifest(mine))
    lies = _each_time(_manifest(mine, digest=theirs.digest), _manifest(theirs, digest=mine.digest))
    found = {
        "tag-moves-each-time": (at("/manifests/1", moves), either),
        "tag-moves-and-no-digest": (at("/manifests/1", unnamed), either),
        "tag-named-by-another-digest": (at("/manifests/1", lies), f"{either}|{mismatch}"),
        "digest-gives-another": (at(MANIFEST, _manifest(theirs, digest=mine.digest)), mismatch),
        "digest-gives-another-and-says-so": (at(MANIFEST, _manifest(theirs, digest=theirs.digest)), mismatch),
        "digest-gives-another-first": (at(MANIFEST, first(_manifest(theirs))), mismatch),
        "manifest-deleted": (at(MANIFEST, _gone), "manifest-unknown"),
        "config-deleted": (at(f"/blobs/{_digest(mine)}", _gone), "blob-unknown"),
        "layer-deleted": (at(LAYER, _gone), "blob-unknown"),
        "layer-replaced": (at(LAYER, _bytes_instead(bytes(len(LARGE.blob)))), mismatch),
        "config-replaced": (at(f"/blobs/{_digest(mine)}", _bytes_instead(bytes(len(mine.config)))), mismatch),
        "tag-deleted": (at("/manifests/1", _gone), "manifest-unknown"),
        "repository-deleted": (at("/v2/", _listed_then_gone), "manifest-unknown|repository-unknown"),
    }
    return [Scenario(f"B-24/{name}", expect, manner, requests=8) for name, (manner, expect) in found.items()]


def _digest(stored: Stored) -> str:
    return str(json.loads(stored.body)["config"]["digest"])


def _bytes_instead(content: bytes) -> Answer:
    return lambda rude: rude.write(head(Content_Length=len(content)), content)


def _listed_then_gone(rude: Rude) -> bool:
    return "/manifests/" in rude.path and _gone(rude)
