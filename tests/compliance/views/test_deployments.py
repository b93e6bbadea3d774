"""``/deployments/``: a file in, a review out, beside stored facts; nothing stored, nobody asked."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from pytest_django.fixtures import DjangoAssertNumQueries

from compliance.models import Image, Tag
from scanner.domain.limits import Limits
from tests.support.facts import digest, facts
from tests.support.pages import Page, get
from tests.support.rows import HOSTILE, Fleet, artifact, fleet, image, index, registry, tag_row, unreadable

URL = "/deployments/"
ROOT = "harbor.example/team/app-0000:latest"
FINE = "harbor.example/team/app-0000:1.0"


def pod(name: str, reference: str, *lines: str) -> str:
    """A pod of Kubernetes with one container."""
    fields = "".join(f"    {line}\n" for line in lines)
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n"
        f"  - name: web\n    image: {reference}\n{fields}"
    )


def review(client: Client, text: str, *, status: int = 200) -> Page:
    """Paste a file."""
    response = client.post(URL, {"text": text})
    assert response.status_code == status, response.content[:3000]
    return Page(response.content.decode())


def test_nothing_given_yet(reader: Client) -> None:
    page = get(reader, URL)
    assert "nothing you give is stored" in page.text
    assert page.all("form", class_="sheet")[0].attributes["method"] == "post"
    assert page.all("input", name="csrfmiddlewaretoken")


def test_the_image_and_the_file_together(reader: Client) -> None:
    made = fleet(1)
    page = review(reader, pod("shop", ROOT))
    assert "1 container, 1 of 1 image known here." in page.text
    article = page.all("article", class_="finding")[0].text
    assert "Runs as uid 0, gid 0 root" in article
    assert page.all("a", href=f"/i/{made.failing.digest}/")
    assert page.all("a", href="/r/harbor/team/app-0000/-/t/latest/")
    assert "runAsNonRoot: true" in article


def test_what_the_file_sets_counts(reader: Client) -> None:
    fleet(1)
    page = review(reader, pod("shop", FINE, "securityContext: {runAsUser: 5000, runAsNonRoot: true}"))
    assert "Runs as uid 5000, gid 0" in page.text
    assert "runAsUser: 5000 runAsNonRoot: true" in page.text


def test_lines_point_into_the_source(reader: Client) -> None:
    fleet(1)
    page = review(reader, "# a comment\n" + pod("shop", ROOT) + "---\n" + pod("other", ROOT))
    lines = {a.attributes["href"] for a in page.all("a") if a.attributes["href"].startswith("#line-")}
    ids = {f"#{each.attributes['id']}" for each in page.all("div") if each.attributes.get("id", "").startswith("line-")}
    assert lines
    assert lines <= ids
    second = [each.text for each in page.all("div", id="line-15")]
    assert second == ["15 - name: web"]
    assert "#line-15" in lines


def test_compose(reader: Client) -> None:
    fleet(1)
    page = review(reader, f"services:\n  web:\n    image: {FINE}\n    user: root\n")
    assert "service web" in page.text
    assert "uid 0, gid 0" in page.text
    assert 'user: "1001:1001"' in page.text


@pytest.mark.parametrize(
    ("reference", "said", "href"),
    [
        ("elsewhere.example/a:1", "No registry at elsewhere.example is known here.", "/registries/-/new/"),
        ("nginx", "No registry at docker.io is known here.", "/registries/-/new/"),
        ("harbor.example/team/app-0000:9", "No scan of Harbor has seen team/app-0000:9.", "/registries/harbor/"),
        (f"harbor.example/x@{digest(4)}", "No scan of Harbor has seen the digest", "/registries/harbor/"),
    ],
)
def test_an_image_nobody_stored_says_what_to_do(admin: Client, reference: str, said: str, href: str) -> None:
    fleet(1)
    page = review(admin, pod("shop", reference))
    assert said in page.text
    assert page.all("a", href=href)
    assert "Runs as not known" in page.text
    assert "Unknown" in page.all("div", class_="banner")[0].text


def test_nobody_is_offered_what_the_role_does_not_allow(reader: Client) -> None:
    page = review(reader, pod("shop", "elsewhere.example/a:1"))
    assert "No registry at elsewhere.example is known here." in page.text
    assert not page.all("a", href="/registries/-/new/")


def test_an_image_by_digest_wherever_it_lies(reader: Client) -> None:
    made = fleet(1)
    page = review(reader, pod("shop", f"mirror.example/any/name@{made.failing.digest}"))
    assert "Runs as uid 0, gid 0" in page.text


def test_docker_hub_by_its_short_names(reader: Client) -> None:
    home = registry("Hub", url="https://registry-1.docker.io")
    row = fleet(1).repositories[0]
    row.registry, row.name = home, "library/nginx"
    row.save()
    assert "Runs as uid 0, gid 0" in review(reader, pod("shop", "nginx:latest")).text


def indexed(made: Fleet) -> None:
    """The tag leads to an index: an attestation, arm64, amd64."""
    arm, amd = image(facts("5:5"), 81), image(facts("6:6"), 82)
    both = index(90, [artifact(83, "attestation"), arm, amd])
    for child, platform in zip(
        both.children.order_by("position"), ("unknown/unknown", "linux/arm64", "linux/amd64"), strict=True
    ):
        child.platform = platform
        child.save()
    tag_row(made.repositories[0], "multi", arm, image=None, index=both, digest=both.digest).save()


def test_of_several_platforms_the_usual_one_counts(reader: Client) -> None:
    indexed(fleet(1))
    page = review(reader, pod("shop", "harbor.example/team/app-0000:multi"))
    assert "Runs as uid 6, gid 0" in page.text  # kubelet keeps the user half
    assert "for linux/amd64, one of 2 platforms" in page.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image": None, "problem_message": "The manifest is gone."}, "The manifest is gone."),
        ({"deleted_at": "2026-01-01T00:00:00Z"}, "No scan of Harbor has seen team/app-0000:latest."),
    ],
)
def test_a_tag_that_leads_nowhere(reader: Client, change: dict[str, object], said: str) -> None:
    fleet(1)
    Tag.objects.filter(name="latest").update(**change)
    assert said in review(reader, pod("shop", ROOT)).text


def test_images_without_facts_say_why(reader: Client) -> None:
    made = fleet(1)
    broken, chart = unreadable(61), artifact(62)
    tag_row(made.repositories[0], "broken", broken).save()
    tag_row(made.repositories[0], "chart", chart).save()
    Image.objects.filter(pk=made.passing.pk).update(facts=b"not facts")
    text = review(
        reader, "---\n".join(pod(tag, f"harbor.example/team/app-0000:{tag}") for tag in ("broken", "chart", "1.0"))
    ).text
    assert "The tar archive ends too soon." in text
    assert "It holds no Linux image: Helm chart." in text
    assert "0 of 3 images known here" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1, 2\nb: 3\n", "Line 2"),
        ("hello: world\n", "No object of Kubernetes"),
        ("a: {{ .Values.x }}\n", "helm template"),
        ("", "Paste a file, or choose one."),
        ("  \n\t", "Paste a file, or choose one."),
        ("a\x00b", "Null characters are not allowed."),
    ],
)
def test_a_file_that_cannot_be_read(reader: Client, text: str, said: str) -> None:
    page = review(reader, text, status=422)
    assert said in page.text
    assert not page.all("div", class_="banner")


def test_the_line_at_fault_is_shown(reader: Client) -> None:
    page = review(reader, "# comment\nservices:\n  a: [1, 2\n  b: 3\n", status=422)
    assert [each.text for each in page.all("div", class_="marked")] == ["4 b: 3"]


def test_what_was_pasted_stays_in_the_form(reader: Client) -> None:
    assert "a: [1, 2" in review(reader, "a: [1, 2\nb: 3\n", status=422).all("textarea")[0].text


def upload(client: Client, body: bytes) -> Page:
    """Choose a file."""
    response = client.post(URL, {"text": "", "file": SimpleUploadedFile("compose.yaml", body)})
    return Page(response.content.decode())


def test_an_uploaded_file(reader: Client) -> None:
    fleet(1)
    page = upload(reader, pod("shop", ROOT).replace("\n", "\r\n").encode())
    assert "Runs as uid 0, gid 0" in page.text
    assert "kind: Pod" in page.all("textarea")[0].text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\xff\xff\xff", "line 1: the bytes are not UTF-8"),
        (b"", "Paste a file, or choose one."),
        (b"a" * 3_000, "more than deployment_bytes allows (2000)"),
        (b"a" * (3 * 2**20), "more than deployment_bytes allows (2000)"),
    ],
)
def test_a_file_nobody_can_read(reader: Client, body: bytes, said: str) -> None:
    with override_settings(LIMITS=Limits(deployment_bytes=2_000), FILE_UPLOAD_MAX_MEMORY_SIZE=2**20):
        assert said in upload(reader, body).text


def test_a_pasted_text_over_the_limit(reader: Client) -> None:
    with override_settings(LIMITS=Limits(deployment_bytes=2_000)):
        assert "raise PLIMSOLL_DEPLOYMENT_BYTES" in review(reader, "# " + "x" * 3_000, status=422).text


def test_a_long_file_shows_only_what_is_pointed_at(reader: Client) -> None:
    fleet(1)
    page = review(reader, "#\n" * 4_000 + pod("shop", ROOT))
    assert "lines 1 to " in page.text
    assert page.all("div", id="line-4006")
    assert not page.all("div", id="line-5")


def test_many_containers_are_folded(reader: Client) -> None:
    fleet(1)
    page = review(reader, "---\n".join(pod(f"p{at}", ROOT) for at in range(30)))
    assert len(page.all("article", class_="finding")) == 30
    assert len(page.all("details", class_="folded")) == 10


def test_no_registry_is_asked(reader: Client) -> None:
    fleet(1)
    with patch("socket.socket.connect", side_effect=AssertionError):
        review(reader, pod("shop", ROOT) + "---\n" + pod("other", "elsewhere.example/a:1"))


def test_queries_do_not_grow(reader: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    made = fleet(12)
    indexed(made)
    names = [f"harbor.example/{row.name}:{tag}" for row in made.repositories for tag in ("1.0", "latest")]
    names += ["harbor.example/team/app-0000:multi", f"x.example/y@{made.failing.digest}", "nginx"]
    for some in (names[-4:], names):
        with django_assert_num_queries(9):
            review(reader, "---\n".join(pod(f"p{at}", name) for at, name in enumerate(some)))


def test_only_those_who_are_logged_in(client: Client, db: None) -> None:
    assert client.post(URL, {"text": "a"}).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(URL, {"text": "a"}).status_code in (302, 403)


def test_a_foreign_form_is_refused(reader: Client) -> None:
    reader.handler.enforce_csrf_checks = True
    assert reader.post(URL, {"text": "a"}).status_code == 403


@pytest.mark.parametrize("text", [HOSTILE, "</textarea><script>alert(1)</script>", "\u202ex", "\x1b[31m"])
def test_texts_of_the_file_are_only_texts(reader: Client, text: str) -> None:
    fleet(1)
    quoted = text.replace('"', '\\"').replace("\x1b", "\\e").replace("{{", "{ {")  # or it is a template
    file = (
        f'apiVersion: v1\nkind: Pod\nmetadata: {{name: "{quoted}", namespace: "{quoted}"}}\nspec:\n  containers:\n'
        f'  - name: "{quoted}"\n    image: "{quoted}"\n---\napiVersion: v1\nkind: "{quoted}"\n---\n'
        f'services:\n  "{quoted}":\n    image: "{ROOT}"\n    user: "{quoted}"\n'
    )
    response = reader.post(URL, {"text": file})
    page = Page(response.content.decode())
    assert response.status_code == 200, page.text[:500]
    assert not page.all("img")
    assert not page.all("b")
    assert not [e for e in page.elements if e.attributes.get("hx-get") == "/x"]
    assert not [e for e in page.all("script") if "src" not in e.attributes]
