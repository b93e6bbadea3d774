"""B-20, B-21: registries that drip, stall, break off and begin again somewhere else. Times are scaled down."""

from __future__ import annotations

from tests.hostile.case import PASS
from tests.hostile.rude_registry import Rude
from tests.hostile.scenario import HEAD, LARGE, LAYER, MANIFEST, TAGS, TOKEN, Answer, Scenario, at, first, head

SIZE = len(LARGE.blob)
HURRIED = {"first_byte_seconds": 0.2, "idle_seconds": 0.2, "body_seconds": 0.4, "retries": 1, "retry_wait_seconds": 0.1}
PLACES = {"head": HEAD, "manifest": MANIFEST, "layer": LAYER, "tags": TAGS, "token": TOKEN}


def _answer(rude: Rude) -> tuple[bytes, bytes]:
    """A head that is true, and the body it announces."""
    if "/blobs/" in rude.path:
        content = rude.content()
        return _part(rude, content), content[rude.start :]
    body = b'{"a": "' + b"x" * 5_000
    return head(Content_Length=len(body)), body


def _silent(rude: Rude) -> bool:
    return rude.hold()


def _head_drips(rude: Rude) -> bool:
    return rude.drip(b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 5_000)


def _body_drips(rude: Rude) -> bool:
    top, body = _answer(rude)
    return rude.write(top) and rude.drip(body)


def _stalls(rude: Rude) -> bool:
    top, body = _answer(rude)
    return rude.write(top, body[: len(body) // 2]) and rude.hold()


def _never_closes(rude: Rude) -> bool:
    top, body = _answer(rude)
    return rude.write(top.replace(b"Content-Length:", b"X-Length:"), body[:-1]) and rude.hold()


def slowly() -> list[Scenario]:
    """Each way of being slow, at each place."""
    ways: dict[str, Answer] = {"silent": _silent, "head-drips": _head_drips}
    bodies: dict[str, Answer] = {"body-drips": _body_drips, "stalls-at-half": _stalls, "never-closes": _never_closes}
    return [
        Scenario(f"B-20/{place}-{way}", "timeout", at(where, answer), requests=4, limits=HURRIED)
        for place, where in PLACES.items()
        for way, answer in {**ways, **({} if place == "head" else bodies)}.items()
    ]


def _part(rude: Rude, content: bytes, **headers: object) -> bytes:
    """The head of an answer with a layer from where the client wants it."""
    if not rude.start:
        return head(Content_Length=len(content), **headers)
    where = f"bytes {rude.start}-{len(content) - 1}/{len(content)}"
    return head("206 Partial Content", Content_Length=len(content) - rude.start, Content_Range=where, **headers)


def _resets(share: float) -> Answer:
    def answer(rude: Rude) -> bool:
        content = rude.content()
        left = content[rude.start :]
        return rude.write(_part(rude, content), left[: int(len(left) * share)]) and rude.reset()

    return answer


def _length(difference: int) -> Answer:
    def answer(rude: Rude) -> bool:
        return rude.write(head(Content_Length=SIZE + difference), rude.content())

    return answer


def _chunked_cut(rude: Rude) -> bool:
    body = rude.content()[rude.start :]
    half = body[: len(body) // 2]
    status = {"Content_Range": f"bytes {rude.start}-{SIZE - 1}/{SIZE}"} if rude.start else {}
    line = "206 Partial Content" if rude.start else "200 OK"
    return rude.write(head(line, Transfer_Encoding="chunked", **status), b"%x\r\n" % len(body), half)


def _then(answer: Answer) -> Answer:
    """Break off in the middle; what comes when the client asks for the rest."""
    return lambda rude: answer(rude) if rude.start else _resets(0.5)(rude)


def _ignores_range(rude: Rude) -> bool:
    return rude.write(head(Content_Length=SIZE), rude.content())


def _wrong_range(where: str) -> Answer:
    def answer(rude: Rude) -> bool:
        left = rude.content()[rude.start :]
        return rude.write(head("206 Partial Content", Content_Length=len(left), Content_Range=where), left)

    return answer


def _another_etag(same: bool) -> Answer:
    def answer(rude: Rude) -> bool:
        content = rude.content()
        left = content[rude.start :] if same else bytes(len(content) - rude.start)
        return rude.write(_part(rude, content, ETag=f'"{rude.server.spoiled}"'), left)

    return answer


def _refuses(status: str) -> Answer:
    return lambda rude: rude.write(head(status, Content_Length=0))


def _empty_part(rude: Rude) -> bool:
    return rude.write(_part(rude, rude.content()))


def broken_off() -> list[Scenario]:
    """Transfers of a layer that do not arrive at once, and what is asked for then."""
    ways: dict[str, tuple[Answer, str]] = {
        **{f"reset-at-{share:.0%}": (_resets(share), "truncated") for share in (0, 0.01, 0.5, 0.99)},
        **{f"reset-once-at-{share:.0%}": (first(_resets(share)), PASS) for share in (0, 0.01, 0.5, 0.99)},
        "reset-before-the-head": (lambda rude: rude.reset(), "truncated"),
        "reset-before-the-head-once": (first(lambda rude: rude.reset()), PASS),
        "length-one-less": (_length(-1), "digest-mismatch"),
        "length-one-more": (_length(1), "digest-mismatch"),
        "chunked-cut": (_chunked_cut, "truncated"),
        "chunked-cut-once": (first(_chunked_cut), PASS),
        "range-ignored": (_then(_ignores_range), "truncated"),
        "range-from-0": (_then(_wrong_range(f"bytes 0-{SIZE - 1}/{SIZE}")), "protocol-error"),
        "range-elsewhere": (_then(_wrong_range(f"bytes 5-{SIZE - 1}/{SIZE}")), "protocol-error"),
        "range-of-nothing": (_then(_wrong_range("bytes */*")), "protocol-error"),
        "range-unsaid": (_then(_wrong_range("")), "protocol-error"),
        "etag-changed": (_then(_another_etag(same=True)), PASS),
        "etag-changed-and-bytes-too": (_then(_another_etag(same=False)), "digest-mismatch"),
        "rest-gone": (_then(_refuses("404 Not Found")), "blob-unknown"),
        "rest-not-satisfiable": (_then(_refuses("416 Range Not Satisfiable")), "protocol-error"),
        "rest-empty": (_then(_empty_part), "truncated"),
        "rest-denied": (_then(_refuses("403 Forbidden")), "denied"),
    }
    return [
        Scenario(f"B-21/{name}", expect, at(LAYER, answer, "GET"), requests=10, limits={"retry_wait_seconds": 0.2})
        for name, (answer, expect) in ways.items()
    ]
