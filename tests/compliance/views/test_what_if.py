"""``/i/<digest>/what-if/``: a question is an address, its answer a page or a part of one."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import Image
from scanner.domain.facts import ImageFacts
from tests.support.facts import facts, privileged
from tests.support.file_facts import House, command
from tests.support.pages import Page, get, get_part
from tests.support.rows import HOSTILE, artifact, fleet, image, index, unknown_digest, unreadable

APP = {
    "/home/": (0o755, 0, 0),
    "/home/app/": (0o755, 1001, 1001),
    "/root/": (0o700, 0, 0),
    "/app/": (0o755, 1001, 1001),
    "/app/server": (0o755, 1001, 1001),
    "/app/data/": (0o700, 1001, 1001),
}


def shop(user: str = "1001:1001") -> ImageFacts:
    """An image whose WORKDIR belongs to uid 1001, with a setuid program."""
    house = House(APP)
    tool = privileged("/usr/bin/su", 0o4755)
    files = house.facts(
        "/app",
        "/home/app",
        "/root",
        trees=[house.tree("/app")],
        command=command(house.program("/app/server")),
        privileged=[tool],
    )
    return facts(user, working_dir="/app", files=files)


@pytest.fixture
def address(db: None) -> str:
    """The address of questions about the shop's image."""
    return f"/i/{image(shop(), 70).digest}/what-if/"


def test_nothing_asked_yet(reader: Client, address: str) -> None:
    page = get(reader, address)
    assert "Choose one of the starts above" in page.text
    assert not page.all("div", class_="answer")
    assert [box.attributes["value"] for box in page.all("input", type="radio") if "checked" in box.attributes] == [
        "docker"
    ]


def test_what_breaks_is_said_with_the_place_that_refuses(reader: Client, address: str) -> None:
    page = get(reader, f"{address}?user=3000:0")
    answer = page.all("div", class_="answer")[0].text
    assert "It starts, and something that worked does not." in answer
    assert "uid 1001, gid 1001" in answer
    assert "uid 3000, gid 0 " in answer
    losses = [row.text for row in page.all("tr") if row.text.startswith("write in WORKDIR")]
    assert losses == ["write in WORKDIR /app /app 0755 1001:1001"]
    assert "chgrp -R 0 /app && chmod -R g=u /app" in answer


def test_nothing_changes(reader: Client, address: str) -> None:
    answer = get(reader, f"{address}?by=docker&user=1001:1001").all("div", class_="answer")[0].text
    assert "It starts, and all that worked still works." in answer
    assert "What to change" not in answer


def test_root_gets_no_praise(reader: Client, address: str) -> None:
    banner = get(reader, f"{address}?user=0").all("div", class_="banner")[0]
    assert "Works, as root" in banner.text
    assert "is-pass" not in banner.attributes["class"]


def test_a_refusal_names_who_refuses_and_a_way_out(reader: Client) -> None:
    found = image(shop("0"), 71)
    answer = get(reader, f"/i/{found.digest}/what-if/?run_as_non_root=on").all("div", class_="answer")[0].text
    assert "kubelet refuses it: container has runAsNonRoot and image will run as root" in answer
    assert "runAsUser: 1001" in answer


def test_openshift_fills_in_what_is_left_out(reader: Client, address: str) -> None:
    page = get(reader, f"{address}?openshift_range=1000650000/10000")
    assert "uid 1000650000, gid 0" in page.all("div", class_="answer")[0].text
    checked = [box.attributes["value"] for box in page.all("input", type="radio") if "checked" in box.attributes]
    assert checked == ["crio"]
    assert "1 setuid or setgid program without effect now" in page.text


def test_host_ids_of_a_user_namespace(reader: Client, address: str) -> None:
    assert "On the host uid 101001, gid 101001" in get(reader, f"{address}?userns=100000").text


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("by=docker&run_as_user=5", "run_as_user", "A setting of pods: choose Kubernetes or OpenShift."),
        ("by=kubernetes&user=app", "user", "A pod gives its user as numbers: use runAsUser and runAsGroup."),
        ("by=kubernetes&openshift_range=1/1", "openshift_range", "A setting of OpenShift: choose it above."),
        ("by=kubernetes&run_as_user=0x1", "run_as_user", "'0x1' is not a number of digits only"),
        ("by=kubernetes&fs_group=٣", "fs_group", "'٣' is not a number of digits only"),
        ("userns=99999999999", "userns", "is not START or START/SIZE"),
        ("by=crio&openshift_range=7", "openshift_range", "is not START/SIZE"),
        ("supplemental_groups=1,,2", "supplemental_groups", "'' is not a number of digits only"),
        ("by=me", "by", "me is not one of the available choices"),
        ("user=" + "a" * 301, "user", "at most 300 characters"),
        ("user=a%00b", "user", "Null characters are not allowed."),
    ],
)  # fmt: skip
def test_each_fault_stands_at_its_field(reader: Client, address: str, query: str, field: str, said: str) -> None:
    page = get(reader, f"{address}?{query}", status=422)
    assert said in " ".join(each.text for each in page.all("p", class_="errors"))
    assert not page.all("div", class_="answer")
    assert field in page.html


def test_htmx_gets_the_panel_and_the_address_of_the_answer(reader: Client, address: str) -> None:
    part = get_part(reader, f"{address}?user=3000", **{"HX-Current-URL": f"http://testserver{address}"})
    assert part.lstrip().startswith('<section class="panel" id="what-if"')
    assert Page(part).all("div", id="status")[0].text.startswith("It starts")
    response = reader.get(f"{address}?user=3000", headers={"HX-Request": "true", "HX-Current-URL": address})
    assert "HX-Push-Url" not in response.headers  # an address of somebody else's making


def test_the_address_follows_on_its_own_page_only(reader: Client, address: str) -> None:
    asked = f"{address}?user=3000"
    for here, pushed in ((f"http://testserver{address}?x=1", asked), ("http://testserver/i/x/", None)):
        response = reader.get(asked, headers={"HX-Request": "true", "HX-Current-URL": here})
        assert response.headers.get("HX-Push-Url") == pushed


def test_the_panel_stands_on_the_page_of_the_image(reader: Client) -> None:
    made = fleet(1)
    page = get(reader, f"/i/{made.failing.digest}/")
    forms = [form.attributes["action"] for form in page.all("form", class_="what-if")]
    assert forms == [f"/i/{made.failing.digest}/what-if/"]


def test_facts_of_an_older_release_are_not_fine(reader: Client) -> None:
    found = image(facts("1001:1001", files=None), 72)
    text = get(reader, f"/i/{found.digest}/what-if/?user=3000").text
    assert "It is not known what happens." in text
    assert "the next scan reads the image again" in text


def test_what_has_no_facts_cannot_be_asked(reader: Client) -> None:
    made = fleet(1)
    assert "Helm chart" in get(reader, f"/i/{artifact(7).digest}/what-if/?user=1").text
    assert "The tar archive ends too soon." in get(reader, f"/i/{unreadable(8).digest}/what-if/?user=1").text
    Image.objects.filter(pk=made.passing.pk).update(facts=b"not facts")
    assert not get(reader, f"/i/{made.passing.digest}/what-if/?user=1").all("div", class_="answer")
    get(reader, f"/i/{unknown_digest()}/what-if/", status=404)
    get(reader, f"/i/{index(50, [made.passing]).digest}/what-if/", status=404)


def test_nobody_else_may_ask(client: Client, address: str) -> None:
    assert client.get(address).status_code == 302


@pytest.mark.parametrize("text", [HOSTILE, "</title><script>alert(1)</script>", "a\u202eb", "`x` **b**"])
def test_texts_of_the_address_and_of_the_image_are_only_texts(reader: Client, text: str) -> None:
    house = House({f"/{text}/": (0o700, 1, 1)})
    files = house.facts(f"/{text}", trees=[house.tree(f"/{text}")])
    found = image(facts(text[:60], f"{text[:60]}:x:1:1::/{text}:/bin/sh\n", working_dir=f"/{text}", files=files), 77)
    for query in (f"user={quote(text)}", f"by=kubernetes&run_as_user={quote(text)}", "user=5", "by=" + quote(text)):
        response = reader.get(f"/i/{found.digest}/what-if/?{query}")
        page = Page(response.content.decode())
        assert response.status_code in (200, 422)
        assert not page.all("img")
        assert not page.all("b")
        assert not [e for e in page.elements if e.attributes.get("hx-get") == "/x"]
        assert not [e for e in page.all("script") if "src" not in e.attributes]


def test_two_queries_besides_those_of_who_asks(
    reader: Client, address: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(5):
        assert reader.get(f"{address}?user=3000").status_code == 200
