"""One request to where a person said, which may be hostile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compliance.outgoing.request import InvalidDestination, destination, post
from scanner.domain.limits import DEFAULT_LIMITS
from tests.support.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def test_it_arrives(receiver: Receiver) -> None:
    outcome = post(receiver.url, b"{}", {"X-One": "1"}, private=True, limits=DEFAULT_LIMITS)
    assert (outcome.ok, outcome.status) == (True, 204)
    (request,) = receiver.requests
    assert request.path == "/services/T0P/S3CRET"
    assert request.body == b"{}"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["X-One"] == "1"


@pytest.mark.parametrize(("status", "ok"), [(200, True), (204, True), (404, False), (410, False), (500, False)])
def test_what_counts_as_taken(receiver: Receiver, status: int, ok: bool) -> None:
    receiver.answers = [status]
    outcome = post(receiver.url, b"{}", {}, private=True, limits=DEFAULT_LIMITS)
    assert (outcome.ok, outcome.status) == (ok, status)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(receiver: Receiver, status: int) -> None:
    with receiving() as other:
        receiver.answers, receiver.headers = [status], {"Location": other.url}
        outcome = post(receiver.url, b"{}", {}, private=True, limits=DEFAULT_LIMITS)
        assert (outcome.ok, outcome.status) == (False, status)
        assert not other.requests


def test_what_is_answered_is_shown_to_nobody(receiver: Receiver) -> None:
    receiver.answers, receiver.body = [500], b"the password of the database" * 1_000
    outcome = post(receiver.url, b"{}", {}, private=True, limits=DEFAULT_LIMITS)
    assert outcome.words == "The host answered 500."
    assert "S3CRET" not in outcome.words


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_private_addresses_are_refused_when_the_connection_is_made(receiver: Receiver, host: str) -> None:
    outcome = post(f"https://{host}:{receiver.port}/x", b"{}", {}, private=False, limits=DEFAULT_LIMITS)
    assert (outcome.ok, outcome.status) == (False, 0)
    assert outcome.words in ("The host is at an address that is not to be connected to.", "The host cannot be reached.")
    assert not receiver.requests


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://0.0.0.0/",
        "http://[::ffff:169.254.169.254]/",
    ],
)
@pytest.mark.parametrize("private", [True, False])
def test_metadata_is_never_asked(url: str, private: bool) -> None:
    outcome = post(
        url.replace("http:", "http:" if private else "https:"), b"", {}, private=private, limits=DEFAULT_LIMITS
    )
    assert outcome.words == "The host is at an address that is not to be connected to."


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "ftp://hooks.example/",
        "https://user:password@hooks.example/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://hooks.example/#x",
        "https://hooks.example/\r\nX: y",
        "hooks.example",
        "",
    ],
)
def test_what_is_no_destination(url: str) -> None:
    with pytest.raises(InvalidDestination):
        destination(url, private=False)
    outcome = post(url, b"", {}, private=False, limits=DEFAULT_LIMITS)
    assert (outcome.ok, outcome.status) == (False, 0)
