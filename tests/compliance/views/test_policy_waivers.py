from __future__ import annotations

import pytest
from django.test import Client

from compliance.models import Policy
from tests.support.pages import Page, get
from tests.support.rows import policy_version

pytestmark = pytest.mark.django_db
URL = "/policies/kubernetes/waivers/"


def settings() -> tuple[int, bool]:
    row = Policy.objects.get(name="kubernetes")
    return row.waiver_days, row.second_person


def test_an_administrator_sets_them(admin: Client) -> None:
    policy_version()
    answer = admin.post(URL, {"waiver_days": "30", "second_person": "on"})
    assert (answer.status_code, answer["Location"]) == (302, "/policies/kubernetes/#waivers")
    assert settings() == (30, True)
    page = get(admin, "/policies/kubernetes/")
    assert "last at most 30 days and count when somebody else" in page.text
    admin.post(URL, {"waiver_days": "1"})
    assert settings() == (1, False)


@pytest.mark.parametrize("days", ["0", "-1", "731", "", "many", "99999999999999999999"])
def test_what_is_no_number_of_days(admin: Client, days: str) -> None:
    policy_version()
    answer = admin.post(URL, {"waiver_days": days})
    assert answer.status_code == 422
    page = Page(answer.content.decode())
    assert page.all("p", id="id_waiver_days_error")
    assert page.all("input", id="id_waiver_days")[0].attributes["value"] == days
    assert settings() == (180, False)


def test_others_read_them(reader: Client) -> None:
    policy_version()
    assert reader.post(URL, {"waiver_days": "30"}).status_code == 403
    page = get(reader, "/policies/kubernetes/")
    assert "last at most 180 days" in page.text
    assert not page.all("form", action=URL)
    assert settings() == (180, False)


def test_no_such_policy(admin: Client) -> None:
    assert admin.post("/policies/nothing/waivers/", {"waiver_days": "30"}).status_code == 404
