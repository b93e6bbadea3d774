"""Single sign-on with a real OpenID provider over HTTP: all that is asked of it is asked as it is in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import pytest
from django.test import Client, override_settings

from compliance.models import GroupGrant, Membership, User
from tests.support.pages import PLAIN_STATIC, Page
from tests.support.real_provider import real_provider, tell
from tests.support.remediation import team

pytestmark = pytest.mark.django_db

ANN = {"preferred_username": "ann", "email": "ann@example.org", "groups": ["/staff"]}


@pytest.fixture
def issuer() -> Iterator[str]:
    """A provider, set up here."""
    with real_provider() as address, override_settings(STORAGES=PLAIN_STATIC):
        yield address


def come(client: Client, issuer: str, claims: Mapping[str, object]) -> Any:
    """Press the button, allow it at the provider, come back."""
    tell(issuer, "ann", **claims)
    page = Page(client.post("/login/sso/").content.decode())
    url = page.all("meta", **{"http-equiv": "refresh"})[0].attributes["content"].partition("url=")[2]
    allowed = httpx2.post(url, data={"sub": "ann"})
    return client.get(allowed.headers["location"])


def test_in_and_what_the_groups_give(issuer: str) -> None:
    GroupGrant.objects.create(group="/staff", team=team(), role="triager")
    client = Client()
    assert come(client, issuer, ANN).headers["Location"] == "/"
    assert client.get("/").status_code == 200
    person = User.objects.get()
    assert (person.username, person.email) == ("ann", "ann@example.org")
    assert Membership.objects.get(user=person).role == "triager"
    assert come(Client(), issuer, {**ANN, "groups": []}).headers["Location"] == "/"
    assert not Membership.objects.exists()


def test_nobody_mapped_the_groups(issuer: str) -> None:
    assert come(Client(), issuer, ANN).status_code == 403
    assert not User.objects.exists()
