"""What people are told, in words; when it is tried again; what proves who sent it."""

from __future__ import annotations

import hmac
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.remediation.notices import (
    LONGEST_ABOUT,
    LONGEST_SUBJECT,
    MOST_LINES,
    Kind,
    Line,
    Notice,
    about,
    about_many,
    next_try,
    sign,
    words,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SITE = "https://plimsoll.example"
OPERATIONS = Path(__file__).parents[3] / "docs" / "operations.md"


def notice(title: str = "New critical finding", *lines: str, more: int = 0, kind: Kind = Kind.CRITICAL) -> Notice:
    made = tuple(Line(line, f"/findings/{at}/", at, "NR103") for at, line in enumerate(lines, 1))
    return Notice(kind, "critical/1", title, "/findings/", made, more, "harbor/app")


def test_words() -> None:
    said = words(notice("New critical finding", "NR103 in harbor/app", more=2), site=SITE)
    assert said.subject == "[Plimsoll] New critical finding"
    assert said.text == (
        "New critical finding\n\n- NR103 in harbor/app\n  https://plimsoll.example/findings/1/\nand 2 more\n\n"
        "https://plimsoll.example/findings/\n"
    )
    assert said.payload == {
        "schema": 1,
        "kind": "critical",
        "about": "critical/1",
        "title": "New critical finding",
        "url": "https://plimsoll.example/findings/",
        "repository": "harbor/app",
        "items": [
            {
                "text": "NR103 in harbor/app",
                "url": "https://plimsoll.example/findings/1/",
                "finding": 1,
                "rule": "NR103",
            }
        ],
        "more": 2,
    }
    assert said.slack["text"] == (
        "<https://plimsoll.example/findings/|New critical finding>\n"
        "• <https://plimsoll.example/findings/1/|NR103 in harbor/app>\nand 2 more"
    )


@pytest.mark.parametrize(
    ("lines", "more", "why", "text"),
    [
        ((), 0, "", "Hello\n\n/findings/\n"),
        (("one",), 0, "", "Hello\n\n- one\n  /findings/1/\n\n/findings/\n"),
        ((), 3, "", "Hello\n\nand 3 more\n\n/findings/\n"),
        (
            (),
            0,
            "/settings/7/",
            "Hello\n\n/findings/\n\n-- \nSent by a channel of Plimsoll, which is switched off here:\n/settings/7/\n",
        ),
    ],
)
def test_a_mail_says_what_there_is_and_where_to_end_it(lines: tuple[str, ...], more: int, why: str, text: str) -> None:
    assert words(notice("Hello", *lines, more=more), why=why).text == text


def test_where_to_end_it_is_a_link_too() -> None:
    assert words(notice(), site=SITE, why="/settings/7/").text.endswith(f"\n{SITE}/settings/7/\n")


def test_how_long_things_may_be() -> None:
    said = words(replace(notice("t" * 999, *["l" * 999] * 11), repository="r" * 999))
    assert (len(said.subject), len(said.payload["repository"])) == (len("[Plimsoll] ") + 150, 300)
    assert [len(item["text"]) for item in said.payload["items"]] == [300] * 10


def test_lines_that_are_left_out_are_counted() -> None:
    said = words(notice("Many", *(f"line {at}" for at in range(MOST_LINES + 3)), more=4), site=SITE)
    assert said.payload["more"] == 7
    assert len(said.payload["items"]) == MOST_LINES
    assert "and 7 more" in said.text


def test_a_chat_looks_nothing_up() -> None:
    asked = {"parse": "none", "link_names": 0, "unfurl_links": False, "unfurl_media": False}
    assert words(notice("Hello")).slack == {"text": "Hello", **asked}


def test_an_address_is_text_in_a_chat_too() -> None:
    said = words(replace(notice("Hello"), path="/findings/?tab=open&rule=NR103"), site=SITE)
    assert said.slack["text"] == f"<{SITE}/findings/?tab=open&amp;rule=NR103|Hello>"


def test_without_a_site_nothing_is_a_link() -> None:
    said = words(notice("Hello", "<!channel> & co"))
    assert said.slack["text"] == "Hello\n• &lt;!channel&gt; &amp; co"
    assert "/findings/1/" in said.text


@pytest.mark.parametrize(
    "hostile",
    [
        "x\r\nBcc: everybody@example.org",
        "x\nSubject: other",
        "x\x00y",
        "\u202eexe.gpj",
        "a\u2028b",
        "<!channel>",
        "<https://evil.example|click>",
        "name|other",
        "A" * 5_000,
    ],
)
def test_hostile_names_are_inert(hostile: str) -> None:
    said = words(notice(hostile, hostile), site=SITE)
    assert said.subject.isprintable()
    assert len(said.subject) <= LONGEST_SUBJECT + len("[Plimsoll] ")
    assert said.text.replace("\n", "").isprintable()
    assert "<!" not in said.slack["text"]
    # Only our own links: each leads to the site and has one bar.
    assert all(part.startswith(SITE) for part in said.slack["text"].split("<")[1:])
    assert said.slack["text"].count("|") == said.slack["text"].count("<")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("USER @all", "USER ＠all"),
        ("(@channel)", "(＠channel)"),
        ("sam@example.org", "sam@example.org"),
        ("app@sha256:12", "app@sha256:12"),
        ("[here](https://evil.example)", "[here] (https://evil.example)"),
    ],
)
@pytest.mark.parametrize("site", [SITE, ""])
def test_nobody_is_called_by_a_name(name: str, shown: str, site: str) -> None:
    """Chats that take Slack's requests read names of people and Markdown in them."""
    said = words(notice("Title", name), site=site)
    assert shown in said.slack["text"]
    assert name in said.text, "a mail calls nobody"


@given(st.text(max_size=400), st.text(max_size=400))
def test_no_text_breaks_out(title: str, line: str) -> None:
    said = words(notice(title, line), site=SITE)
    assert said.subject.isprintable()
    assert said.slack["text"].count("<") == said.slack["text"].count(">") == 2
    json.dumps([said.slack, said.payload]).encode()


def test_keys_are_bounded_and_tell_things_apart() -> None:
    assert about(Kind.OVERDUE, 5, "2026-03-10") == "overdue/5/2026-03-10"
    long = about(Kind.OVERDUE, "x" * 500)
    assert len(long) <= LONGEST_ABOUT
    fits = "x" * (LONGEST_ABOUT - len("overdue/"))
    assert about(Kind.OVERDUE, fits) == f"overdue/{fits}"
    assert about(Kind.OVERDUE, f"{fits}x") == f"overdue/{sha256(f'overdue/{fits}x'.encode()).hexdigest()}"
    assert long != about(Kind.OVERDUE, "x" * 501)
    assert about_many(Kind.CRITICAL, 1, [1, 2]) == "critical/1/" + sha256(b"1\n2").hexdigest()[:32]
    assert about_many(Kind.CRITICAL, 1, [1, 2]) == about_many(Kind.CRITICAL, 1, [2, 1])
    assert len({about_many(Kind.CRITICAL, 1, keys) for keys in ([1, 2], [1, 3], [12], [1])}) == 4
    assert about_many(Kind.CRITICAL, 1, [1, 2]) != about_many(Kind.CRITICAL, 2, [1, 2])


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(0, None), (1, 1), (2, 5), (3, 30), (4, 120), (5, 480), (6, None), (99, None)]
)
def test_when_it_is_tried_again(attempts: int, minutes: int | None) -> None:
    assert next_try(attempts, NOW) == (None if minutes is None else NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("attempts", "asked", "waits"),
    [(1, 59, 60), (1, 61, 61), (2, 61, 300), (1, 28_800, 28_800), (1, 86_400, 28_800), (5, 1, 28_800)],
)
def test_who_wants_to_be_left_alone_is(attempts: int, asked: int, waits: int) -> None:
    assert next_try(attempts, NOW, asked=asked) == NOW + timedelta(seconds=waits)


@pytest.mark.parametrize(
    ("secret", "delivery", "timestamp", "body", "proof"),
    [
        (
            "plimsoll-test-secret",
            "42",
            1_700_000_000,
            b'{"schema":1}',
            "595b804f51d0f2aa9f1ba8ae8f4dc719bc1bfeffa9e5f772d54bded4e119b815",
        ),
        ("gehe\u00efm", "7", 0, b"", "90380430b569e2ae668648057501135eabf554516e0068169af19978f260954b"),
    ],
)
def test_vectors(secret: str, delivery: str, timestamp: int, body: bytes, proof: str) -> None:
    """The first stands in docs/operations.md."""
    assert sign(secret, delivery, timestamp, body) == f"t={timestamp},v1={proof}"
    assert proof in OPERATIONS.read_text() or delivery != "42"


def test_what_the_documentation_says_verifies_what_is_sent() -> None:
    """The function for receivers in docs/operations.md, run as it stands there."""
    code = OPERATIONS.read_text().partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(compile(code, str(OPERATIONS), "exec"), names)  # our own documentation
    now, body = int(time.time()), b'{"schema":1}'

    def proves(body: bytes, *, secret: str = "known", delivery: str = "7", at: int = now) -> bool:
        headers = {"Plimsoll-Delivery": "7", "Plimsoll-Signature": sign(secret, delivery, at, b'{"schema":1}')}
        return bool(names["is_ours"]("known", headers, body))

    assert proves(body)
    assert proves(body, at=now - 290)
    assert not proves(body, at=now - 310), "recorded and sent again"
    assert not proves(body, at=now + 310)
    assert not proves(body + b" ")
    assert not proves(body, secret="other")
    assert not proves(body, delivery="8")


def test_the_signature_is_of_the_delivery_the_time_and_the_body() -> None:
    expected = hmac.new(b"secret", b'7.1700000000.{"a":1}', sha256).hexdigest()
    assert sign("secret", "7", 1_700_000_000, b'{"a":1}') == f"t=1700000000,v1={expected}"
    others = {
        sign("other", "7", 1, b"x"),
        sign("secret", "8", 1, b"x"),
        sign("secret", "7", 2, b"x"),
        sign("secret", "7", 1, b"y"),
        sign("secret", "7", 1, b"x"),
    }
    assert len(others) == 5
