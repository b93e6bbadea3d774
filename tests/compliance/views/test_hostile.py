"""Strings from registries, images and people are shown, never obeyed."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest
from django.test import Client

from compliance.models import Push, Registry, Repository, ScanError, Tag, TagChange, User, WebhookEndpoint
from scanner.domain.image_config import HistoryEntry
from tests.support.facts import facts
from tests.support.hooks import Hook, delivered
from tests.support.pages import Page
from tests.support.rows import HOSTILE, NOW, fleet, image

PAYLOADS = [
    HOSTILE,
    "'><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "{% load plimsoll %}{{ request.user.password }}",
    "\u202egnp.exe\u2066",
    "\x1b[31mred\x07",
    "=HYPERLINK(1)",
    "`code` **bold** ```\nfence",
]


def poison(text: str) -> list[str]:
    """Put a text everywhere a page can show one from outside; return the pages."""
    found = replace(facts("1001:1001").config, user=text, env=(f"HOME={text}",), entrypoint=(text,), working_dir=text)
    found = replace(found, history=(HistoryEntry(f"USER {text}", None, "", empty_layer=True),))
    made = fleet(1)
    row = image(replace(facts("1001:1001", f"{text}:x:1:1::/:/bin/sh\n"), config=found), 77)
    safe = text.replace("\n", " ")[:100]  # names of repositories and tags never hold line feeds
    Registry.objects.update(name=safe, problem_code="x", problem_message=safe, problem_remedy=safe, username=safe)
    Repository.objects.update(name=f"a/{safe}", problem_code="x", problem_message=safe, problem_remedy=safe)
    strip = [{"platform": safe, "digest": row.digest, "verdict": safe, "runs_as": safe}]
    Tag.objects.filter(name="latest").update(
        name=safe[:60], image=row, digest=row.digest, runs_as=safe, platforms=strip, problem_message=safe
    )
    ScanError.objects.update(message=safe, remedy=safe, subject=safe)
    TagChange.objects.update(pusher=safe, scan=made.scan)
    headers = {"x-one": text, text: "1"}
    reason = {"reason": safe, "content_type": safe, "product": safe[:20], "headers": headers}
    delivery = delivered(made.registry, safe, repository=safe, body=text.encode(), **reason)
    Push.objects.update(pusher=safe)
    endpoint = Hook(made.registry).endpoint
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(rejected=1, rejected_at=NOW, rejected_reason=safe)
    User.objects.update(time_zone=safe[:60])
    repository = quote(f"/r/harbor/a/{safe}/-/")
    return [
        "/", "/repos/", "/tags/", repository, f"/i/{row.digest}/", f"/i/{made.failing.digest}/", "/registries/",
        "/registries/harbor/", "/registries/harbor/edit/", "/scans/", f"/scans/{made.scan.pk}/",
        f"/scans/{made.scan.pk}/changes/", quote(f"/r/harbor/a/{safe}/-/t/{safe[:60]}/"),
        f"/repos/?q={quote(text)}", f"/tags/?q={quote(text)}", f"/repos/?sort={quote(text)}&show={quote(text)}",
        "/webhooks/", f"/webhooks/{delivery.pk}/", "/registries/harbor/webhook/", f"/webhooks/?q={quote(text)}",
    ]  # fmt: skip


@pytest.mark.parametrize("text", PAYLOADS)
def test_texts_from_outside_are_only_texts(admin: Client, text: str) -> None:
    for url in poison(text):
        response = admin.get(url)
        assert response.status_code == 200, url
        page = Page(response.content.decode())
        assert not page.all("img"), url
        assert not page.all("b"), url
        assert not [e for e in page.elements if e.attributes.get("hx-get") == "/x"], url
        assert not [name for e in page.elements for name in e.attributes if name.startswith("on")], url
        assert not [e for e in page.all("script") if "src" not in e.attributes], url
        assert "14" not in page.all("h1")[0].text.split(), url


@pytest.mark.parametrize(
    "query",
    ["_connector=OR", "_negated=1", "user__password__startswith=a", "q=" + "x" * 5000, "q=%00", "verdict=%00", "q=%FF",
     "page=%00", "registry=' OR 1=1--", "sort=name%00", "days=%00", "by=%00", "policy=%00",
     "q=" + quote("\ud7ff"), "q=%25_\\", "before=0", "before=" + "9" * 18, "after=" + "9" * 30, "after=1&before=%00",
     "scan=-1", "scan=" + "9" * 18, "outcome=%00", "product=%00", "period=%00"],
)  # fmt: skip
def test_addresses_nobody_would_type_never_break_a_page(reader: Client, query: str) -> None:
    made = fleet(1)
    image_url = f"/i/{made.failing.digest}/"
    urls = ("/", "/repos/", "/tags/", "/r/harbor/team/app-0000/-/", "/scans/", "/registries/", "/webhooks/", image_url)
    for url in urls:
        assert reader.get(f"{url}?{query}").status_code == 200, url
    assert NOW
