"""What proves a finding, beside its title in the inbox."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import Image, Occurrence, Tag
from compliance.queries import finding_evidence
from scanner.domain.files import FileFacts
from tests.support.facts import facts, privileged
from tests.support.pages import get
from tests.support.remediation import finding, finding_row, findings
from tests.support.rows import HOSTILE, NOW, Fleet, fleet, image

URL = "/findings/?tab=all&sort=severity"


def lines(client: Client) -> dict[str, tuple[str, str]]:
    """What proves each finding, by its rule: what is seen of it, and the whole of it where that is more."""
    found = {}
    for at, element in enumerate(page := get(client, URL).elements):
        if element.attributes.get("class") == "open":
            line, proof = (
                page[at + 1],
                next(each for each in page[at + 2 :] if each.attributes.get("class") != "is-fail"),
            )
            whole = line.attributes.get("title", "")
            shown = proof.attributes.get("class") == "proof"
            found[line.text[:5]] = (proof.text, whole if whole != proof.text else "") if shown else ("", "")
    return found


@pytest.fixture
def made(reader: Client) -> Fleet:
    return fleet(1)


def shown_by(made: Fleet, row: Image | None, *rules: str) -> Tag:
    """Findings of these rules, shown by a tag that points to an image."""
    tag = made.tags[1]
    tag.image = row
    tag.digest = row.digest if row else tag.digest
    tag.save()
    for rule in rules:
        finding(made.repositories[0], rule, subject="", tags=[tag])
    return tag


def test_a_line_says_who_runs_and_which_file(reader: Client, made: Fleet) -> None:
    places = tuple(privileged(f"/usr/bin/{name}", 0o4755) for name in ("chfn", "chsh"))
    files = FileFacts(privileged=places, privileged_total=2)
    shown_by(made, image(facts("00:1000", files=files), 40), "NR102", "NR402")
    found = lines(reader)
    assert found["NR102"] == ("USER is 00:1000, which is uid 0.", "")
    short, whole = found["NR402"]
    assert short == "/usr/bin/chfn: setuid: mode 4755, owner 0:0, and 1 more"
    assert whole.startswith("/usr/bin/chfn, /usr/bin/chsh run as root whoever starts them.")


def test_platforms_compared_say_how_they_differ(reader: Client, made: Fleet) -> None:
    tag = shown_by(made, None)
    tag.platforms = [
        {"platform": f"linux/{name}", "digest": made.failing.digest, "verdict": "fail", "runs_as": ids, "identity": ids}
        for name, ids in (("amd64", "0:0"), ("arm64", "1000:1000"))
    ]
    tag.save()
    finding(made.repositories[0], "NR112", platform="", subject="", tags=[tag])
    said = (
        "The platforms of this index differ: linux/amd64 starts as 0:0 (fail); linux/arm64 starts as 1000:1000 (fail)."
    )
    assert lines(reader) == {"NR112": (f"{said[:89]}…", said)}


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (None, "Runs as 0:0"),  # the facts are not those of an image that violates the rule
        (b"damaged", "Runs as 0:0"),
        (b"x" * (finding_evidence.MOST_BYTES + 1), "Runs as 0:0"),
    ],
)
def test_what_no_rule_proves_says_who_runs(reader: Client, made: Fleet, stored: bytes | None, expected: str) -> None:
    row = image(facts("1001:1001"), 41)
    row.runs_as = "0:0"
    row.facts = stored or row.facts
    row.save()
    shown_by(made, row, "NR103")
    assert lines(reader) == {"NR103": (expected, "")}


def test_nothing_is_said_of_what_no_tag_shows_or_no_rule_knows(reader: Client, made: Fleet) -> None:
    finding(made.repositories[0], "NR103", status="fixed", closed_at=NOW)
    unread = image(facts("1001:1001"), 42)
    unread.runs_as = ""
    unread.save()
    shown_by(made, unread, "NR101")
    finding(made.repositories[0], "NR999", tags=[made.tags[1]], subject="")
    assert set(lines(reader).values()) == {("", "")}


def test_hostile_words_of_an_image_are_text_and_cut(reader: Client, made: Fleet) -> None:
    place = privileged(f"/opt/{HOSTILE}\u202e\n{'long/' * 60}lo/sh", 0o4755)
    shown_by(made, image(facts("1001:1001", files=FileFacts(privileged=(place,), privileged_total=1)), 43), "NR402")
    page = get(reader, URL)
    short, whole = lines(reader)["NR402"]
    assert short.startswith('/opt/"><img src')
    assert short.endswith("…long/long/long/lo/sh: setuid: mode 4755, owner 0:0")
    assert len(short) <= 90 < len(whole)
    assert not page.all("img")
    assert not [each for each in page.elements if each.attributes.get("hx-get") == "/x"]
    assert "{{" in page.html
    assert "\u202e" not in page.html


def test_one_more_query_however_many_images(
    reader: Client, made: Fleet, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    rows = findings(finding_row(made.repositories[0], "NR103", subject=str(at)) for at in range(40))
    with django_assert_num_queries(10):
        reader.get(URL)
    Occurrence.objects.bulk_create(
        Occurrence(finding=row, tag=made.tags[1], image=image(facts("app"), 100 + at), since=NOW)
        for at, row in enumerate(rows)
    )
    with django_assert_num_queries(11):
        reader.get(URL)


@pytest.mark.parametrize(("size", "says"), [(100, True), (250, False)])
def test_long_pages_leave_it_to_the_preview(reader: Client, made: Fleet, size: int, says: bool) -> None:
    shown_by(made, image(facts("00:1000"), 40), "NR102")
    assert ("which is uid 0" in get(reader, f"{URL}&size={size}").text) is says
