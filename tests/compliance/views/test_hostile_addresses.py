"""What people wrote is shown at every address and obeyed at none; odd queries break no address."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch
from urllib.parse import quote

import pytest
from django.core.cache import cache, caches
from django.db.models import CharField, F, Model, Value
from django.db.models.functions import Cast, Concat
from django.test import Client, override_settings
from django.urls import reverse
from pytest_django.plugin import DjangoDbBlocker

from compliance.models import (
    Channel,
    Finding,
    FindingEvent,
    GroupGrant,
    Membership,
    OwnershipRule,
    SavedView,
    Tag,
    Team,
    User,
    Waiver,
)
from tests.support.everybody import undone
from tests.support.furnished import Site, furnish
from tests.support.pages import PLAIN_STATIC, Page
from tests.support.rights import PAGES
from tests.support.rows import HOSTILE, NOW, user
from tests.support.tenants import KINDS

pytestmark = pytest.mark.django_db

MARK = "oops"
"""What nothing of the site's own is called: payloads would make elements and attributes of this name."""

PAYLOADS = [
    HOSTILE,
    f"\"><{MARK} x='1'>",
    f'\'><{MARK} x="1">',
    f"\" {MARK}=\"1\" '{MARK}='1' ",
    f"</title></textarea></script><{MARK}>",
    f"[a](javascript:alert(1)) ![b](//x/y) <https://x/><{MARK}>",
    "{% load plimsoll %}{{ request.user.password }}{{ 7|add:7 }}",
    "\u202egnp.exe\u2066\x1b[31mred\x07",
]

WRITTEN: dict[type[Model], tuple[str, ...]] = {
    Team: ("name", "description"),
    User: ("first_name", "last_name"),
    Membership: ("group",),
    GroupGrant: ("group",),
    Finding: ("subject",),
    FindingEvent: ("text", "was", "became"),
    Waiver: ("title", "explanation", "control"),
    SavedView: ("name",),
    Channel: ("name", "host", "problem"),
    OwnershipRule: ("label", "pattern"),
    Tag: ("runs_as",),
}
"""Columns that hold what somebody outside, or a person, wrote."""

BY_TOKEN = "api_summary"  # answers no session, and has hostile addresses of its own
QUERIES = [
    "_connector=OR&_negated=1&user__password__startswith=a",
    "q=%00&tab=%00&group=%00&sort=%00&page=%00&team=%00&registry=%00&rule=%00&status=%00&finding=%00&waiver=%00",
    f"q={'x' * 5_000}",
    f"q={'(' * 2_000}&window={'9' * 30}&period={'9' * 30}&days={'9' * 30}&page={'9' * 30}",
    "q=%FF%FE&name=%FF&kind=%FF&state=%FF&since=%FF&until=%FF&by=%FF&assignee=%FF",
    "q=assignee:-1+due:%3C0+tags:%3E99999999999999999999+is:%F0%9F%92%A9+NOT+OR+(((",
    "sort=-password&sort=repository__registry__password&order=a.b&group=assignee__password&by=password",
    "finding=-1&waiver=99999999999999999999&renews=-1&team=-1&since=0000-00-00&until=9999-99-99&before=1&after=1",
    "finding=" + quote("\u0661\u0662") + "&page=" + quote("\u00b2") + "&since=2026-02-30&fixed=-1d&due=99999999999d",
]


@pytest.fixture(scope="module")
def site(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[Client, Site]]:
    """Everything there is, looked at by an administrator; what a test writes is undone."""
    with (
        django_db_blocker.unblock(),
        patch("django.utils.timezone.now", return_value=NOW),
        patch("compliance.views.moment.database_now", return_value=NOW),
        override_settings(STORAGES=PLAIN_STATIC),
        undone(),
    ):
        cache.clear()
        caches["process"].clear()
        boss = user("boss", role="admin")
        made = furnish(boss)
        SavedView.objects.create(name="Mine", query="status=new", by=boss)
        SavedView.objects.create(name="Ours", query="q=a", by=boss, shared=True)
        client = Client()
        client.force_login(boss)
        yield client, made


def addresses(site: Site) -> list[str]:
    """Every address that can be read, and those of further rows."""
    readable = (name for name, page in PAGES.items() if page.get is not None and page.about in KINDS)
    found = [reverse(name, kwargs=dict(KINDS[PAGES[name].about](site.tenant))) for name in readable if name != BY_TOKEN]
    return [*found, *site.more]


@pytest.mark.parametrize("text", PAYLOADS)
def test_what_people_wrote_is_only_text(site: tuple[Client, Site], text: str) -> None:
    client, made = site
    with undone():
        for model, columns in WRITTEN.items():
            for column in columns:
                longest = getattr(model._meta.get_field(column), "max_length", None) or 1_000
                number = Cast(F("pk"), CharField())
                told = {column: Concat(Value(f"{text[: longest - 12]} "), number, output_field=CharField())}
                model._default_manager.update(**told)
        shown = 0
        for url in addresses(made):
            response = client.get(url)
            assert response.status_code in (200, 302), url
            if "html" not in response.headers.get("Content-Type", ""):
                continue
            page = Page(response.content.decode())
            shown += text[:8] in page.text
            wrong = [e.name for e in page.elements if e.name in (MARK, "b") or MARK in e.attributes]
            assert not wrong, url
            assert not page.all("img", src="x"), url
            assert not [e for e in page.elements if e.attributes.get("hx-get") == "/x"], url
            assert not [name for e in page.elements for name in e.attributes if name.startswith("on")], url
            assert not [e for e in page.elements if e.attributes.get("href", "").startswith("javascript:")], url
            assert not [e for e in page.all("script") if "src" not in e.attributes], url
        assert shown > 20 or not text.isprintable(), "the texts are on hardly any page: nothing was tried"


@pytest.mark.parametrize("query", QUERIES)
def test_odd_queries_break_no_address(site: tuple[Client, Site], query: str) -> None:
    client, made = site
    broken = {}
    for url in addresses(made):
        with undone():
            status = client.get(f"{url}{'&' if '?' in url else '?'}{query}").status_code
        if status not in (200, 204, 286, 302, 400, 404, 422):
            broken[url] = status
    assert not broken
