"""The list of registries: what it says when it is empty, and that its numbers lead to what they count."""

from __future__ import annotations

from django.test import Client

from compliance.models import WebhookEndpoint
from tests.support.hooks import Hook
from tests.support.pages import get
from tests.support.rows import fleet, registry


def test_without_rows_it_says_what_to_do(reader: Client, admin: Client) -> None:
    assert "Only administrators may add one." in get(reader, "/registries/").text
    assert get(admin, "/registries/").all("a", href="/registries/-/new/")


def test_the_list_counts_what_it_links_to(reader: Client) -> None:
    fleet(3)
    page = get(reader, "/registries/")
    assert page.all("a", href="/repos/?registry=harbor")[0].text == "3"
    assert len(get(reader, "/repos/?registry=harbor").rows) == 3
    assert page.all("a", href="/tags/?registry=harbor")[0].text == "6"
    assert len(get(reader, "/tags/?registry=harbor").rows) == 6


def test_only_those_in_error(reader: Client) -> None:
    fleet(1)
    registry("Broken", problem_code="dns", problem_message="No such host.")
    page = get(reader, "/registries/?state=error")
    assert len(page.rows) == 1
    assert "No such host." in page.text
    assert len(get(reader, "/registries/?state=nonsense").rows) == 2


def test_those_that_announce_pushes_are_listed_apart(reader: Client) -> None:
    for name, words in (("announcing", "announces pushes"), ("missing", "announces not all pushes")):
        assert f"No registry {words}" in get(reader, f"/registries/?state={name}").text
    for at, (enabled, unannounced) in enumerate([(True, 0), (True, 2), (False, 2)]):
        endpoint = Hook(registry(f"R{at}")).endpoint
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(enabled=enabled, unannounced=unannounced)
    registry("R3")
    listed = {
        state: [row.text.split("https")[0].strip() for row in get(reader, f"/registries/?state={state}").rows]
        for state in ("announcing", "missing")
    }
    assert listed == {"announcing": ["R0", "R1"], "missing": ["R1"]}
    chip = get(reader, "/registries/?state=missing").all("a", title="Remove this filter")[0]
    assert chip.text.startswith("announces not all pushes")
