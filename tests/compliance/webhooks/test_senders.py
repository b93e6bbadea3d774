"""Documented payloads with invented names, one table per product."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.webhooks.hint import Hint, Kind, Reading
from compliance.webhooks.sender import Home, filled
from compliance.webhooks.senders import ALL, SENDERS, read_request

A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64
INDEX = "application/vnd.oci.image.index.v1+json"


def read(product: str, body: object, headers: dict[str, str] | None = None, home: Home | None = None) -> Reading:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_request(SENDERS[product], headers or {}, raw, home or Home())


def only(reading: Reading) -> Hint:
    assert reading.odd == []
    (hint,) = reading.hints
    return hint


def event(action: str = "push", tag: str | None = "1.4", **target: object) -> dict[str, Any]:
    found = {"mediaType": INDEX, "digest": A, "repository": "team/shop", **target}
    if tag is not None:
        found["tag"] = tag
    return {"id": "e1", "action": action, "target": found, "request": {"host": "Registry.Example:5000"}}


@pytest.mark.parametrize("sender", ALL, ids=lambda sender: sender.key)
def test_every_documented_request_is_read_as_one_push(sender: Any) -> None:
    hint = only(read_request(sender, sender.sample.headers, sender.sample.body.encode(), Home()))

    assert (hint.kind, hint.tag) == (Kind.PUSHED, "1.4")
    assert hint.repository.endswith("/shop")


@pytest.mark.parametrize("sender", ALL, ids=lambda sender: sender.key)
def test_the_steps_name_the_address_and_the_secret(sender: Any) -> None:
    steps = filled(sender, address="https://plimsoll.example/hooks/abc/", secret="s3cret", host="registry.example")
    told = "".join(step.words + step.snippet for step in steps)

    assert "https://plimsoll.example/hooks/abc/" in told
    assert "s3cret" in told
    assert not any(name in told for name in ("{url}", "{secret}", "{host}"))


def test_distribution_takes_tags_and_leaves_blobs_children_and_pulls() -> None:
    blob = event(tag=None, mediaType="application/octet-stream", digest=B)
    reading = read("distribution", {"events": [blob, event(tag=None), event("pull"), event()]})

    assert only(reading) == Hint(Kind.PUSHED, "team/shop", "1.4", A, "e1", "registry.example:5000")
    assert len(reading.ignored) == 3


@pytest.mark.parametrize(
    ("told", "tag", "digest"),
    [(event("delete"), "1.4", A), (event("delete", tag=None), "", A)],
)
def test_distribution_tells_of_deletions(told: dict[str, Any], tag: str, digest: str) -> None:
    hint = only(read("distribution", {"events": [told]}))
    assert (hint.kind, hint.tag, hint.digest) == (Kind.DELETED, tag, digest)


def test_one_odd_event_of_an_envelope_does_not_hide_the_others() -> None:
    reading = read("distribution", {"events": [event("explode"), event(repository="UPPER"), event(tag="a b"), event()]})

    assert [hint.tag for hint in reading.hints] == ["1.4"]
    assert len(reading.odd) == 3


def test_docker_hub_names_official_images_as_the_registry_does() -> None:
    body = {"push_data": {"tag": "1.4", "pushed_at": 1767323045}, "repository": {"repo_name": "shop"}}
    assert only(read("dockerhub", body)) == Hint(Kind.PUSHED, "library/shop", "1.4")


HARBOR_DATA = {
    "resources": [{"digest": A, "tag": "1.4", "resource_url": "harbor.example/team/shop:1.4"}],
    "repository": {"repo_full_name": "team/shop"},
}


def test_harbor_by_cloud_events() -> None:
    body = {"specversion": "1.0", "id": "u2", "type": "harbor.artifact.pushed", "data": HARBOR_DATA}
    assert only(read("harbor", body)) == Hint(Kind.PUSHED, "team/shop", "1.4", A, "u2", "harbor.example")


def test_harbor_by_its_own_format_has_no_id() -> None:
    body = {"type": "PUSH_ARTIFACT", "occur_at": 1767323045, "event_data": HARBOR_DATA}
    assert only(read("harbor", body)) == Hint(Kind.PUSHED, "team/shop", "1.4", A, "", "harbor.example")


def test_harbor_writes_a_digest_where_there_is_no_tag() -> None:
    data = {**HARBOR_DATA, "resources": [{"digest": A, "tag": A}]}
    reading = read("harbor", {"type": "PUSH_ARTIFACT", "occur_at": 1, "event_data": data})
    assert (reading.hints, len(reading.ignored)) == ([], 1)


def test_harbor_tells_of_deletions_and_much_else() -> None:
    deleted = {"type": "DELETE_ARTIFACT", "occur_at": 1, "event_data": HARBOR_DATA}
    assert only(read("harbor", deleted)).kind is Kind.DELETED
    assert read("harbor", {"type": "SCANNING_COMPLETED", "event_data": HARBOR_DATA}).ignored


def test_quay_tells_of_several_tags() -> None:
    reading = read(
        "quay", {"repository": "team/shop", "docker_url": "quay.example/team/shop", "updated_tags": ["1", "2"]}
    )
    assert [hint.tag for hint in reading.hints] == ["1", "2"]


def github_package(**version: object) -> dict[str, Any]:
    return {"name": "shop", "namespace": "Acme", "package_type": "container", "package_version": version}


@pytest.mark.parametrize(
    ("event", "version", "repository", "tag"),
    [
        (
            "package",
            {"package_url": "ghcr.io/acme/shop:1.4", "container_metadata": {"tag": {"name": "1.4"}}},
            "acme/shop",
            "1.4",
        ),
        ("registry_package", {"container_metadata": {"tag": {"name": "1.4"}}}, "acme/shop", "1.4"),
    ],
)
def test_github_by_either_event(event: str, version: dict[str, Any], repository: str, tag: str) -> None:
    body = {"action": "published", event: github_package(**version)}
    hint = only(read("ghcr", body, {"x-github-event": event, "x-github-delivery": "d1"}))
    assert (hint.repository, hint.tag, hint.event_key) == (repository, tag, "d1")


def test_github_pushes_children_with_an_empty_tag() -> None:
    body = {
        "action": "published",
        "package": github_package(package_url="ghcr.io/acme/shop:", container_metadata={"tag": {"name": ""}}),
    }
    assert read("ghcr", body, {"x-github-event": "package"}).ignored


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-github-event": "ping"}, {"zen": "Keep it."}),
        ({"x-github-event": "package"}, {"action": "published", "package": {"package_type": "npm"}}),
        ({"x-github-event": "package"}, {"action": "deleted", "package": github_package()}),
    ],
)
def test_github_says_much_that_is_no_push(headers: dict[str, str], body: object) -> None:
    reading = read("ghcr", body, headers)
    assert reading.ignored
    assert not reading.odd


def test_azure_deletes_by_digest() -> None:
    body = {
        "id": "g1",
        "action": "delete",
        "target": {"repository": "team/shop", "digest": A},
        "request": {"host": "a.azurecr.io"},
    }
    assert only(read("acr", body)) == Hint(Kind.DELETED, "team/shop", "", A, "g1", "a.azurecr.io")


def ecr(account: str = "111122223333", region: str = "eu-west-1", **detail: str) -> dict[str, Any]:
    found = {
        "result": "SUCCESS",
        "action-type": "PUSH",
        "repository-name": "team/shop",
        "image-digest": A,
        "image-tag": "1.4",
    }
    return {
        "id": "b1",
        "detail-type": "ECR Image Action",
        "account": account,
        "region": region,
        "detail": {**found, **detail},
    }


OWN_ECR = Home("111122223333.dkr.ecr.eu-west-1.amazonaws.com")


def test_ecr_takes_its_own_account_and_region_only() -> None:
    assert only(read("ecr", ecr(), home=OWN_ECR)).tag == "1.4"
    assert read("ecr", ecr(account="999999999999"), home=OWN_ECR).odd
    assert read("ecr", ecr(region="us-east-1"), home=OWN_ECR).odd
    assert read("ecr", ecr(result="FAILURE"), home=OWN_ECR).ignored


def gar(**message: str) -> dict[str, Any]:
    data = base64.b64encode(json.dumps(message).encode()).decode()
    return {"message": {"data": data, "messageId": "77"}}


GAR = "europe-docker.pkg.dev"


def test_google_names_whole_references() -> None:
    body = gar(action="INSERT", digest=f"{GAR}/acme/apps/shop@{A}", tag=f"{GAR}/acme/apps/shop:1.4")
    assert only(read("gar", body, home=Home(GAR))) == Hint(Kind.PUSHED, "acme/apps/shop", "1.4", A, "77")
    assert read("gar", body, home=Home("us-docker.pkg.dev")).odd


def test_google_pushes_by_digest_and_deletes_tags() -> None:
    assert read("gar", gar(action="INSERT", digest=f"{GAR}/acme/apps/shop@{A}"), home=Home(GAR)).ignored
    deleted = read("gar", gar(action="DELETE", tag=f"{GAR}/acme/apps/shop:1.4"), home=Home(GAR))
    assert only(deleted).kind is Kind.DELETED


@pytest.mark.parametrize("data", ["%%%", base64.b64encode(b"[]").decode(), "e30=", None])
def test_google_messages_that_are_none(data: str | None) -> None:
    assert read("gar", {"message": {"data": data}}, home=Home(GAR)).odd


@pytest.mark.parametrize(
    ("home", "repository"),
    [
        (Home("acme.jfrog.example"), "docker-local/team/shop"),
        (Home("docker-local.acme.example"), "team/shop"),
        (Home("acme-docker-local.jfrog.example"), "team/shop"),
        (Home("artifactory.example:8082"), "docker-local/team/shop"),
        (Home("artifactory.example:5001"), "team/shop"),
        (Home("artifactory.example:5001", ("docker-local",)), "docker-local/team/shop"),
    ],
)
def test_artifactory_names_follow_its_address(home: Home, repository: str) -> None:
    data = {"repo_key": "docker-local", "image_name": "team/shop", "tag": "1.4", "sha256": "a" * 64}
    hint = only(read("artifactory", {"domain": "docker", "event_type": "pushed", "data": data}, home=home))
    assert (hint.repository, hint.digest) == (repository, A)


def test_artifactory_sends_the_data_bare_in_some_versions() -> None:
    body = {
        "repo_key": "local",
        "event_type": "deleted",
        "image_name": "shop",
        "tag": "1.4",
        "sha256": "sample_checksum",
    }
    assert only(read("artifactory", body)) == Hint(Kind.DELETED, "local/shop", "1.4", "")


def test_nexus_components() -> None:
    body = {
        "action": "DELETED",
        "repositoryName": "hosted",
        "component": {"format": "docker", "name": "shop", "version": "1"},
    }
    assert only(read("nexus", body)) == Hint(Kind.DELETED, "shop", "1")
    assert read("nexus", {**body, "component": {"format": "maven2"}}).ignored
    assert read("nexus", body, {"x-nexus-webhook-id": "rm:repository:asset"}).ignored


@pytest.mark.parametrize(
    ("namespaces", "repository"),
    [((), "shop"), (("hosted",), "hosted/shop"), (("all",), "all/shop"), (("other", "hosted"), "hosted/shop")],
)
def test_nexus_names_are_those_of_the_listing(namespaces: tuple[str, ...], repository: str) -> None:
    about = {"format": "docker", "name": "shop", "version": "1"}
    body = {"action": "CREATED", "repositoryName": "hosted", "component": about}
    assert only(read("nexus", body, home=Home("nexus.example", namespaces))).repository == repository
    assert read("nexus", body, home=Home("nexus.example", ("a", "b"))).ignored


def test_gitea_versions_are_tags_or_digests() -> None:
    package = {"type": "container", "name": "shop", "owner": {"login": "Acme"}, "version": "1.4"}
    assert only(read("gitea", {"action": "created", "package": package})).repository == "acme/shop"
    assert read("gitea", {"action": "created", "package": {**package, "version": A}}).ignored
    assert read("gitea", {"action": "created", "package": {**package, "type": "npm"}}).ignored


ZOT = {"name": "team/shop", "reference": "1.4", "digest": A}


@pytest.mark.parametrize("prefix", ["zotregistry", "com.example.registry"])
def test_zot_in_both_modes_and_with_a_prefix_of_its_own(prefix: str) -> None:
    whole = {"specversion": "1.0", "type": f"{prefix}.image.updated", "id": "u1", "data": ZOT}
    attributes = {"ce-type": f"{prefix}.image.updated", "ce-id": "u1"}

    assert (
        only(read("zot", whole)) == only(read("zot", ZOT, attributes)) == Hint(Kind.PUSHED, "team/shop", "1.4", A, "u1")
    )
    assert read("zot", {"type": f"{prefix}.repository.created", "data": {"name": "team/shop"}}).ignored
    assert only(read("zot", {**whole, "type": f"{prefix}.image.deleted"})).kind is Kind.DELETED


ODD = [
    b"",
    b"null",
    b"[]",
    b"{",
    b'"text"',
    b'{"events": []} {}',
    b'{"events": 1}',
    b'{"events": [1]}',
    b'{"events": [], "events": []}',
    b'{"events": ' + b"[" * 40 + b"]" * 40 + b"}",
    b'{"events": [' + b"{}," * 25_000 + b"{}]}",
    b'{"events": [{"action": "push", "target": []}]}',
    b'{"events": [{"action": "push", "target": {"repository": 7, "tag": "1"}}]}',
    b'{"events": [{"action": "push", "target": {"repository": "../../x", "tag": "1"}}]}',
    b'{"events": [{"action": "push", "target": {"repository": "a\\u0000b", "tag": "1"}}]}',
    b'{"events": [{"action": "push", "target": {"repository": "a", "tag": "1", "digest": "md5:0"}}]}',
    b"\xff\xfe\x00",
    b"payload=%7B%7D",
]


@pytest.mark.parametrize("body", ODD)
def test_what_nobody_documented_is_odd(body: bytes) -> None:
    reading = read("distribution", body)
    assert reading.odd
    assert not reading.hints


def test_more_pushes_than_one_request_may_hold() -> None:
    many = {"events": [event(tag=str(at)) for at in range(1_200)]}
    assert read("distribution", many).odd


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([A, "1.4", "team/shop", "push"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    *("events", "action", "target", "type", "data", "event_data", "resources", "repository", "push_data", "detail"),
    *("message", "component", "package", "updated_tags", "tag", "digest", "domain", "detail-type"),
)


@given(st.sampled_from([*SENDERS]), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5) | JSON)
def test_no_json_breaks_a_reader(product: str, body: object) -> None:
    reading = read(product, body, {"x-github-event": "package"}, Home(GAR))
    assert all(hint.repository and (hint.tag or hint.digest) for hint in reading.hints)


@given(st.sampled_from([*SENDERS]), st.binary(max_size=200))
def test_no_bytes_break_a_reader(product: str, body: bytes) -> None:
    assert read(product, body).odd or isinstance(json.loads(body), dict)
