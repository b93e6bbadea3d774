"""Logging in and out, the theme, probes, error pages, rights."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from django.db import DatabaseError
from django.test import Client

from tests.support.hooks import delivered
from tests.support.pages import Page, get
from tests.support.rows import PASSWORD, fleet, user


@pytest.mark.django_db
def test_logging_in_and_out() -> None:
    user("sam")
    client = Client()
    assert client.post("/login/", {"username": "sam", "password": "wrong"}).status_code == 200
    response = client.post("/login/", {"username": "sam", "password": PASSWORD, "next": "/rules/"})
    assert response.headers["Location"] == "/rules/"
    assert client.get("/").status_code == 200
    assert client.get("/logout/").status_code == 405
    client.post("/logout/")
    assert client.get("/").status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", r"\\evil.example", "/\\evil.example", "javascript:alert(1)", "http:///x",
     "%2f%2fevil.example", "\t//evil.example", "///evil.example", "https:evil.example"],
)  # fmt: skip
def test_nobody_is_sent_elsewhere(target: str) -> None:
    user("sam")
    client = Client()
    login = client.post("/login/", {"username": "sam", "password": PASSWORD, "next": target})
    theme = client.post("/theme/", {"theme": "dark", "next": target})
    for response in (login, theme):
        location = response.headers["Location"]
        assert location == "/" or location.startswith(("/%2f", "%2f")), location


@pytest.mark.django_db
def test_a_part_asked_for_after_the_session_ended_sends_the_browser_to_the_login() -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/repos/?q=a"}
    response = Client().get("/repos/?q=a", headers=headers, follow=True)
    assert response.headers["HX-Redirect"] == "/login/?next=%2Frepos%2F%3Fq%3Da"
    assert response.content == b""


@pytest.mark.django_db
def test_the_theme_is_kept_in_a_cookie_and_rendered_by_the_server() -> None:
    client = Client()
    assert 'data-theme="system"' in client.get("/login/").content.decode()
    client.post("/theme/", {"theme": "dark", "next": "/login/"})
    assert 'data-theme="dark"' in client.get("/login/").content.decode()
    client.post("/theme/", {"theme": '"><script>', "next": "/login/"})
    assert 'data-theme="dark"' in client.get("/login/").content.decode()


@pytest.mark.django_db
def test_probes() -> None:
    client = Client()
    assert client.get("/healthz").content == b"ok\n"
    assert client.get("/readyz").json() == {"database": "ok", "broker": "ok"}


@pytest.mark.django_db
def test_not_ready_without_postgres_or_redis() -> None:
    with patch("compliance.views.health.connection.cursor", side_effect=DatabaseError):
        response = Client().get("/readyz")
    assert (response.status_code, response.json()["database"]) == (503, "unreachable")
    with patch("compliance.views.health.redis.Redis.ping", side_effect=OSError):
        response = Client().get("/readyz")
    assert (response.status_code, response.json()["broker"]) == (503, "unreachable")


@pytest.mark.django_db
def test_pages_that_do_not_exist_have_a_way_out(reader: Client) -> None:
    for client in (reader, Client()):
        page = Page(client.get("/nowhere/").content.decode())
        assert "Not found" in page.text
    assert "There is no such rule." in get(reader, "/rules/NR999/", status=404).text


def test_a_fault_of_ours_is_a_page_without_details(reader: Client) -> None:
    reader.raise_request_exception = False
    with patch("compliance.views.overview.overview", side_effect=RuntimeError("secret detail")):
        response = reader.get("/")
    assert response.status_code == 500
    assert b"Something broke on our side" in response.content
    assert b"secret detail" not in response.content


@pytest.mark.django_db
def test_a_missing_token_has_a_page_of_its_own() -> None:
    response = Client(enforce_csrf_checks=True).post("/theme/", {"theme": "dark"})
    assert response.status_code == 403
    assert b"The form could not be trusted" in response.content


@pytest.mark.parametrize("url", ["/", "/repos/", "/login/", "/nowhere/", "/rules/"])
def test_every_answer_carries_its_headers(reader: Client, url: str) -> None:
    headers = reader.get(url).headers
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


def test_no_page_has_inline_styles_or_scripts(reader: Client, admin: Client) -> None:
    made = fleet(2)
    delivery = delivered(made.registry)
    urls = [
        "/", "/repos/", "/tags/", "/r/harbor/team/app-0000/-/", "/r/harbor/team/app-0000/-/t/latest/", "/registries/",
        f"/i/{made.failing.digest}/", "/registries/harbor/", "/registries/-/new/", "/rules/", "/rules/NR101/",
        "/policies/", "/policies/kubernetes/", "/policies/kubernetes/edit/", "/policies/kubernetes/history/?a=1&b=1",
        "/policies/-/new/", "/scans/", f"/scans/{made.scan.pk}/", "/webhooks/", f"/webhooks/{delivery.pk}/",
        "/registries/harbor/webhook/",
    ]  # fmt: skip
    for url in urls:
        page = get(admin, url)
        assert not [e for e in page.elements if "style" in e.attributes or e.name == "style"], url
        assert not [e for e in page.all("script") if "src" not in e.attributes], url
        assert not [a for e in page.elements for a in e.attributes if a.startswith("on")], url
        ids = [e.attributes["id"] for e in page.elements if "id" in e.attributes]
        assert len(ids) == len(set(ids)), url
        assert len(page.all("h1")) == 1, url
