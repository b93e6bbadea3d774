"""What is asked of the OpenID provider: in bounded time and size, and without telling anybody what came back."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from compliance.outgoing import provider
from compliance.outgoing.provider import MOST_BYTES, Answer, ProviderProblem, ProviderSession
from scanner.domain.limits import DEFAULT_LIMITS
from tests.support.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def ask(receiver: Receiver, **sent: object) -> Answer:
    return ProviderSession(DEFAULT_LIMITS).request("POST", receiver.url, **sent)  # type: ignore[arg-type]


def code(receiver: Receiver) -> str:
    with pytest.raises(ProviderProblem) as problem:
        ask(receiver).raise_for_status()
    assert "S3CRET" not in str(problem.value)
    return problem.value.code


def test_a_form_is_sent_and_an_answer_read(receiver: Receiver) -> None:
    receiver.answers, receiver.body = [200], b'{"a": 1}'
    found = ask(receiver, data={"code": "a&b"}, auth=SimpleNamespace(username="us:er", password="p w"))
    assert (found.status_code, found.json(), found.text) == (200, {"a": 1}, '{"a": 1}')
    (request,) = receiver.requests
    assert request.body == b"code=a%26b"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")) == b"us%3Aer:p+w"


@pytest.mark.parametrize(
    ("status", "found"), [(302, "provider"), (400, "provider"), (404, "provider"), (500, "unreachable")]
)
def test_redirects_and_errors_are_no_answers(receiver: Receiver, status: int, found: str) -> None:
    receiver.answers, receiver.headers, receiver.body = [status], {"Location": receiver.url}, b"S3CRET"
    assert code(receiver) == found
    assert len(receiver.requests) == 1


def test_a_megabyte_and_no_more(receiver: Receiver) -> None:
    receiver.answers, receiver.body = [200], b"a" * MOST_BYTES
    assert len(ask(receiver).content) == MOST_BYTES
    receiver.body += b"a"
    assert code(receiver) == "provider"


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"[" * 100_000, b"9" * 9_999, b"\xff"])
def test_what_is_no_json(body: bytes) -> None:
    with pytest.raises(ProviderProblem) as problem:
        Answer(200, body, {}).json()
    assert problem.value.code == "provider"


def test_nobody_waits_for_a_provider_that_does_not_answer(receiver: Receiver) -> None:
    receiver.answering.clear()
    with patch.object(provider, "MOST_SECONDS", 0.2):
        assert code(receiver) == "unreachable"
    receiver.answering.set()


def test_nobody_is_there() -> None:
    with receiving() as gone:
        pass
    assert code(gone) == "unreachable"


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/", "https://", "file:///etc/passwd", "https://a:b@login.example/"]
)
def test_addresses_that_are_never_asked(url: str) -> None:
    with pytest.raises(ProviderProblem):
        ProviderSession(replace(DEFAULT_LIMITS, connect_seconds=1)).get(url)
