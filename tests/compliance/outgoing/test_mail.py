"""One mail, handed to a real server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Timer
from unittest.mock import patch

import pytest
from pytest_django import Settings

from compliance.localstack.ports import free_port
from compliance.outgoing.mail import send_mail
from compliance.remediation.notices import Kind, Line, Notice, words
from tests.support.postbox import Postbox, posting


@pytest.fixture
def postbox(settings: Settings) -> Iterator[Postbox]:
    with posting() as box:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        settings.EMAIL_TIMEOUT = 5
        yield box


def test_it_arrives(postbox: Postbox) -> None:
    outcome = send_mail("sam@example.org", "[Plimsoll] Ü", "line\n", sender="p@example.org", headers={"X-One": "1"})
    assert (outcome.ok, outcome.status) == (True, 250)
    ((to, mail),) = postbox.mails
    assert to == ["sam@example.org"]
    assert mail["Subject"] == "[Plimsoll] Ü"
    assert mail["X-One"] == "1"
    assert mail.get_content().replace("\r\n", "\n") == "line\n"


@pytest.mark.parametrize("answer", ["550 no such user", "451 try later"])
def test_what_the_server_refuses_is_said(postbox: Postbox, answer: str) -> None:
    postbox.answer = answer
    outcome = send_mail("sam@example.org", "x", "y", sender="p@example.org", headers={})
    assert not outcome.ok
    assert outcome.words == f"The mail server refused it: {answer}"
    assert not postbox.mails


@pytest.mark.parametrize("said", ["<sam@example.org>", "<Sam@Example.ORG>", "sam@example.org,", "user sam@example.org"])
def test_what_is_said_of_the_address_is_not(postbox: Postbox, said: str) -> None:
    """Servers name it whole, and of a channel's address only the host is shown."""
    postbox.answer = f"550 5.1.1 {said} is unknown"
    outcome = send_mail("sam@example.org", "x", "y", sender="p@example.org", headers={})
    assert outcome.words.startswith("The mail server refused it: 550 5.1.1 ")
    assert outcome.words.endswith(" is unknown")
    assert "sam@" not in outcome.words.lower()


def test_who_takes_long_to_take_it_is_waited_for(postbox: Postbox, settings: Settings) -> None:
    """A server that looks for viruses has the mail already: to give up is to send it again."""
    settings.EMAIL_TIMEOUT = 0.5
    postbox.silent.set()
    speak = Timer(2, postbox.silent.clear)
    speak.start()
    try:
        assert send_mail("sam@example.org", "x", "y", sender="p@example.org", headers={}).ok
    finally:
        postbox.silent.clear()
        speak.join()
    assert len(postbox.mails) == 1


def test_who_never_takes_it_is_given_up(postbox: Postbox, settings: Settings) -> None:
    settings.EMAIL_TIMEOUT = 0.5
    postbox.silent.set()
    with patch("compliance.outgoing.mail.SECONDS_TO_TAKE", 1):
        outcome = send_mail("sam@example.org", "x", "y", sender="p@example.org", headers={})
    postbox.silent.clear()
    assert (outcome.ok, outcome.words) == (False, "The mail server cannot be reached.")


@pytest.mark.parametrize("subject", ["x\r\nBcc: all@example.org", "x\nX: y"])
def test_a_subject_writes_no_header(postbox: Postbox, subject: str) -> None:
    outcome = send_mail("sam@example.org", subject, "y", sender="p@example.org", headers={})
    assert (outcome.ok, outcome.words) == (False, "The mail's address or subject is not valid.")
    assert not postbox.mails


def test_nobody_there(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    outcome = send_mail("sam@example.org", "x", "y", sender="p@example.org", headers={})
    assert (outcome.ok, outcome.words) == (False, "The mail server cannot be reached.")


@pytest.mark.parametrize(
    "name", ["Müller \u202egnp.exe", "名前", "x" * 900, "a\tb", "=?utf-8?q?evil?=", "\U0001f480" * 200]
)
def test_names_of_every_kind_stay_in_the_subject(postbox: Postbox, name: str) -> None:
    said = words(
        Notice(Kind.CRITICAL, "c/1", f"New critical finding in {name}", "/findings/", (Line(name, "/findings/1/"),))
    )
    assert send_mail("sam@example.org", said.subject, said.text, sender="p@example.org", headers={}).ok
    ((to, mail),) = postbox.mails
    assert to == ["sam@example.org"]
    assert set(mail.keys()) <= {
        *("Content-Type", "MIME-Version", "Content-Transfer-Encoding", "Subject", "From", "To", "Date", "Message-ID"),
        "X-Peer",
    }
    assert all(len(line) <= 998 for line in postbox.raw[0].splitlines())
    if name.startswith("=?"):
        return  # a reader's program may decode it: it is still only words of the subject
    assert mail["Subject"].strip().startswith("[Plimsoll] New critical finding in")
