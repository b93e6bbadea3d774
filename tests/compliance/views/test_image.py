"""The permalink of a digest: image, index, artifact, unreadable, unread."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace

import pytest
from django.test import Client

from compliance.models import Image, Tag
from scanner.domain.facts import Ambiguity
from scanner.domain.files import Node, NodeKind, Place
from tests.support.facts import P0, P0_GROUP, facts, privileged
from tests.support.file_facts import House, command
from tests.support.pages import get
from tests.support.rows import HOSTILE, artifact, fleet, image, index, tag_row, unknown_digest, unreadable


@pytest.mark.parametrize(
    "digest", [unknown_digest(), "sha256:abc", "md5:" + "0" * 32, "sha256:" + "A" * 64, "x", "sha512:" + "0" * 64]
)
def test_what_nobody_has_seen_is_not_found(reader: Client, digest: str) -> None:
    get(reader, f"/i/{digest}/", status=404)


def test_the_sentence_names_uid_line_and_layer(reader: Client) -> None:
    made = fleet(1)
    text = get(reader, f"/i/{made.failing.digest}/").text
    assert "This image runs as root, uid 0 gid 0, from USER app resolved through /etc/passwd line 2 in layer 3." in text


def test_the_identity_card(reader: Client) -> None:
    made = fleet(1)
    text = get(reader, f"/i/{made.failing.digest}/").text
    assert "USER app (explicit)" in text
    assert "/etc/passwd line 2 in layer 3" in text
    assert "app:x:0:0::/home/app:/bin/sh" in text


def test_no_user_is_implicit(reader: Client) -> None:
    found = image(facts(""), 5)
    assert "(implicit: the runtime's default)" in get(reader, f"/i/{found.digest}/").text


def test_every_runtime_answers(reader: Client) -> None:
    found = image(facts("nobody-knows"), 5)
    text = get(reader, f"/i/{found.digest}/").text
    assert "unable to find user nobody-knows: no matching entries in passwd file" in text


def test_platforms_speak_their_own_words(reader: Client) -> None:
    made = fleet(1)
    text = get(reader, f"/i/{made.failing.digest}/").text
    assert "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root" in text


def test_findings_come_with_evidence_and_a_fix(reader: Client) -> None:
    made = fleet(1)
    page = get(reader, f"/i/{made.failing.digest}/")
    assert [a.text for a in page.all("a", href="/rules/NR202/")] == ["NR202"]
    assert "sed -i -e 's/1001/0/g' /etc/passwd" in page.text
    assert "decides the verdict" in page.text
    assert page.all("button", class_="copy")


def test_a_remapped_account_shows_both_lines_and_both_layers(reader: Client) -> None:
    made = fleet(1)
    page = get(reader, f"/i/{made.failing.digest}/")
    steps = page.all("ol", class_="steps")[0].text
    assert "app:x:0:0::/home/app:/bin/sh" in steps
    assert "until layer 3 it said, from layer 2 on:app:x:1001:1001" in steps
    links = {a.attributes["href"] for a in page.all("a") if a.attributes.get("href", "").startswith("#layer-")}
    assert links == {"#layer-2", "#layer-3"}
    assert {row.attributes["id"] for row in page.all("tr") if "id" in row.attributes} >= {"layer-2", "layer-3"}


def test_kubernetes_has_its_own_steps_only_where_they_differ(reader: Client) -> None:
    other = image(facts("4294967296"), 5)
    assert "On Kubernetes it comes about differently" in get(reader, f"/i/{other.digest}/").text
    same = image(facts("1001"), 6)
    assert "On Kubernetes it comes about differently" not in get(reader, f"/i/{same.digest}/").text


def test_the_layer_that_decided_is_marked(reader: Client) -> None:
    made = fleet(1)
    rows = get(reader, f"/i/{made.failing.digest}/").all("tr", class_="decides")
    assert len(rows) == 1
    assert "holds the account file that decided" in rows[0].text
    assert rows[0].text.startswith("3 ")


def test_layers_without_history_are_listed_all_the_same(reader: Client) -> None:
    found = image(facts("1001", history=[]), 5)
    assert "not recorded" in get(reader, f"/i/{found.digest}/").text


def test_another_policy_gives_another_verdict(reader: Client) -> None:
    found = image(facts("app"), 5)
    assert "Fail" in get(reader, f"/i/{found.digest}/?policy=kubernetes").all("div", class_="banner")[0].text
    assert "Pass" in get(reader, f"/i/{found.digest}/?policy=baseline").all("div", class_="banner")[0].text
    assert get(reader, f"/i/{found.digest}/?policy=none").all("div", class_="banner")


def test_ambiguities_are_listed(reader: Client) -> None:
    found = image(facts("1001", ambiguities=[Ambiguity("duplicate-key", "/config/User", "two keys")]), 5)
    assert "Where readers disagree" in get(reader, f"/i/{found.digest}/").text


def test_the_raw_config_is_there(reader: Client) -> None:
    made = fleet(1)
    assert '"user": "app"' in get(reader, f"/i/{made.failing.digest}/").text


def test_an_artifact_does_not_run(reader: Client) -> None:
    page = get(reader, f"/i/{artifact(7).digest}/")
    assert "Helm chart: nothing in it runs as a container." in page.text
    assert "N/A" in page.all("div", class_="banner")[0].text


def test_an_unreadable_image_is_unknown_with_its_reason(reader: Client) -> None:
    page = get(reader, f"/i/{unreadable(7).digest}/")
    banner = page.all("div", class_="banner")[0].text
    assert "Unknown" in banner
    assert "The tar archive ends too soon." in banner
    assert "Push the image again." in banner


def test_facts_that_cannot_be_read_any_more_do_not_break_the_page(reader: Client) -> None:
    made = fleet(1)
    Image.objects.filter(pk=made.failing.pk).update(facts=b"not facts")
    assert "Scan the registry again" in get(reader, f"/i/{made.failing.digest}/").text


def test_an_index_lists_its_platforms(reader: Client) -> None:
    made = fleet(1)
    both = index(50, [made.passing, made.failing])
    tag_row(made.repositories[0], "multi", made.failing, image=None, index=both, digest=both.digest).save()
    page = get(reader, f"/i/{both.digest}/")
    assert [row.text.split()[:2] for row in page.rows] == [["linux/arch0", "Pass"], ["linux/arch1", "Fail"]]
    assert page.all("a", href="/r/harbor/team/app-0000/-/t/multi/")
    assert "Part of" in get(reader, f"/i/{made.passing.digest}/").text


def test_an_index_says_that_its_platforms_differ(reader: Client) -> None:
    made = fleet()
    both, alike = index(50, [made.passing, made.failing]), index(51, [made.passing, made.passing])
    text = reader.get(f"/i/{both.digest}/").content.decode()
    assert "Platforms compared" in text
    assert "linux/arch0 starts as 1001:1001 (pass); linux/arch1 starts as 0:0 (fail)" in text
    assert "Platforms compared" not in reader.get(f"/i/{alike.digest}/").content.decode()


def test_tags_through_an_index_point_here_too(reader: Client) -> None:
    made = fleet(1)
    both = index(50, [made.passing])
    tag_row(made.repositories[0], "multi", made.passing, image=None, index=both, digest=both.digest).save()
    page = get(reader, f"/i/{made.passing.digest}/")
    assert {"1.0", "multi"} == {
        a.attributes["href"].split("/")[-2] for a in page.all("a") if "/-/t/" in a.attributes["href"]
    }


def test_many_tags_are_cut_and_said_so(reader: Client) -> None:
    made = fleet(30)
    assert "only the first 25 are listed" in get(reader, f"/i/{made.passing.digest}/").text


def test_what_was_never_read_says_why(reader: Client) -> None:
    made = fleet(1)
    tag = made.tags[0]
    digest = unknown_digest()
    problem = {"problem_code": "not-found", "problem_message": "The manifest is gone.", "problem_remedy": "Delete it."}
    Tag.objects.filter(pk=tag.pk).update(image=None, digest=digest, verdict="unknown", platforms=[], **problem)
    page = get(reader, f"/i/{digest}/")
    assert "The manifest is gone." in page.text
    assert "Unknown is never a pass" in page.text


def test_the_raw_config_is_what_the_registry_gave(reader: Client) -> None:
    made = fleet(1)
    document = json.dumps({"config": {"User": "app", "x-hostile": HOSTILE}}).encode()
    Image.objects.filter(pk=made.failing.pk).update(config_document=zlib.compress(document))
    page = get(reader, f"/i/{made.failing.digest}/")
    assert '"x-hostile": "' in page.html.replace("&quot;", '"')
    assert "as the registry gave it" in page.text
    assert "<img src=x" not in page.html


def test_runtimes_that_differ_from_docker_say_why(reader: Client) -> None:
    found = image(facts("app:docker", P0, P0_GROUP), 5)
    rows = [row.text for row in get(reader, f"/i/{found.digest}/").all("tr", class_="differs")]
    assert len(rows) == 3
    assert rows[0].startswith("containerd other groupsline 2 of /etc/group lists app, which adds gid 10 1000:998 10")
    assert "kubelet sends only the user half of USER" in rows[1]
    alike = image(facts("1001:1001"), 6)
    assert not get(reader, f"/i/{alike.digest}/").all("tr", class_="differs")


def test_versions_that_start_it_as_root_are_named(reader: Client) -> None:
    found = image(facts("4294967296", "root:x:0:0::/:\n4294967296:x:0:0::/:\n"), 5)
    text = get(reader, f"/i/{found.digest}/").text
    assert "Versions 1.7.27 to 1.7.31" in text
    assert "CVE-2026-46680" in text


def test_to_let_root_in_is_no_praise(reader: Client) -> None:
    house = House({"/server": (0o755, 0, 0)})
    files = house.facts(command=command(house.program("/server")))
    page = get(reader, f"/i/{image(facts('', files=files), 5).digest}/")
    answers = {item.text.split("admit")[0].strip() for item in page.all("li") if "admit, as root" in item.text}
    assert answers == {"docker run", "podman run", "User namespace"}
    assert not [each for each in page.all("span", class_="is-pass") if each.text == "admit"]


def test_what_decides_comes_with_its_fix_before_everything_else(reader: Client) -> None:
    made = fleet(1)
    headings = [heading.text for heading in get(reader, f"/i/{made.failing.digest}/").all("h2")]
    assert headings[:2] == ["What to do", "Identity"]
    assert get(reader, f"/i/{made.passing.digest}/").all("h2")[0].text == "How the answer came about"


def test_findings_stand_under_what_they_ask_about(reader: Client) -> None:
    made = fleet(1)
    titles = [each.text for each in get(reader, f"/i/{made.failing.digest}/").all("h3", class_="inside")]
    assert titles[:2] == ["Identity", "Accounts"]


def test_paths_are_a_table_and_many_are_folded(reader: Client) -> None:
    tools = [privileged(f"/usr/bin/tool{at}", 0o4755) for at in range(7)]
    files = replace(House({}).facts(privileged=tools), world_writable_total=1, world_writable=(open_folder(),))
    page = get(reader, f"/i/{image(facts('1001:1001', files=files), 5).digest}/")
    assert "7 paths" in page.text
    assert "setuid: mode 4755, owner 0:0" in page.text
    rows = [row.text for row in page.all("tr") if row.text.startswith("/srv/open")]
    assert rows == ["/srv/open 0777 0:0 layer 1"]


def open_folder() -> Place:
    """A folder everybody may write."""
    return Place("/srv/open", Node(NodeKind.FOLDER, 0o777, 0, 0), 0)


def test_facts_of_an_older_release_say_so(reader: Client) -> None:
    page = get(reader, f"/i/{image(facts('1001:1001', files=None), 5).digest}/")
    assert "The next scan reads the image again" in page.text
    unknown = [
        each.text for each in page.all("article", class_="finding") if "a release that did not look" in each.text
    ]
    assert len(unknown) == 1


def test_a_windows_image_runs_as_somebody(reader: Client) -> None:
    page = get(reader, f"/i/{artifact(7, 'Windows image, which runs as ContainerUser').digest}/")
    assert page.all("h1")[0].text.startswith("Image ")
    assert "Windows image, which runs as ContainerUser." in page.text
    assert "nothing in it runs" not in page.text
