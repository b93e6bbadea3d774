"""Who pushed is said wherever a tag's change is shown, and to nobody who may not see the tag."""

from __future__ import annotations

import pytest
from django.test import Client

from compliance.models import Push, Repository, TagChange
from tests.support.hooks import delivered
from tests.support.pages import get
from tests.support.remediation import own, team
from tests.support.rows import fleet, user

pytestmark = pytest.mark.django_db
SAID = "pushed by kim"


@pytest.fixture
def pages() -> list[str]:
    """Every page that shows a change of a tag, or the push itself."""
    made = fleet(1)
    TagChange.objects.update(pusher="kim", scan=made.scan)
    delivery = delivered(made.registry, "latest", repository="team/app-0000", scan=made.scan)
    Push.objects.update(pusher="kim")
    repository = "/r/harbor/team/app-0000/-/t/latest/"
    return ["/", repository, f"/scans/{made.scan.pk}/changes/", f"/webhooks/{delivery.pk}/"]


def test_every_page_of_the_change_says_who_pushed(reader: Client, pages: list[str]) -> None:
    assert [SAID in get(reader, path).text for path in pages] == [True] * len(pages)


def test_where_nobody_is_known_nothing_is_said(reader: Client, pages: list[str]) -> None:
    TagChange.objects.update(pusher=None)
    Push.objects.update(pusher=None)
    assert not any("pushed by" in get(reader, path).text.lower() for path in pages)


def test_a_name_that_runs_from_right_to_left_stays_in_its_place(reader: Client, pages: list[str]) -> None:
    TagChange.objects.update(pusher="קים")
    assert [element.text for element in get(reader, pages[0]).all("bdi")] == ["קים"]


def test_the_longest_name_is_shown_short_and_kept_whole(reader: Client, pages: list[str]) -> None:
    TagChange.objects.update(pusher="k" * 255)
    (shown,) = get(reader, pages[0]).all("bdi")
    assert (len(shown.text), shown.attributes["title"]) == (40, "k" * 255)


def test_it_is_the_tags_own_right(client: Client, pages: list[str]) -> None:
    other, theirs = user("lee", role="member"), user("ada", role="member")
    own(team("Web", triager=theirs), Repository.objects.all())
    team("Data", triager=other)

    client.force_login(other)
    assert SAID not in get(client, "/").text
    assert client.get(pages[1]).status_code == 404

    client.force_login(theirs)
    assert SAID in get(client, "/").text
    assert SAID in get(client, pages[1]).text
