from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from scanner.domain.facts import ImageFacts
from tests.scanner.deployments.manifests import codes, only, pod, reviewed, service
from tests.scanner.deployments.test_file_checks import MINE, OWN
from tests.support.facts import facts

APP = facts("app")
NUMERIC = facts("1001:1001")
ROOT = facts("")


@pytest.mark.parametrize(
    ("text", "image", "expected"),
    [
        (pod(), NUMERIC, {"runAsUser": 1001, "runAsGroup": 1001}),
        (pod(), APP, {"runAsUser": 1001, "runAsGroup": 1001}),
        (pod("securityContext: {runAsUser: 3000, runAsGroup: 3001}"), APP, {"runAsUser": 3000, "runAsGroup": 3001}),
        (pod("securityContext: {runAsUser: 3000, runAsGroup: 3001}"), None, {"runAsUser": 3000, "runAsGroup": 3001}),
        (pod("securityContext: {runAsUser: -7}"), None, {"runAsUser": 10001, "runAsGroup": 10001}),
        (pod("securityContext: {privileged: true}"), NUMERIC, {"privileged": False}),
        (pod("securityContext: {readOnlyRootFilesystem: true}"), NUMERIC, {"readOnlyRootFilesystem": True}),
    ],
)
def test_the_corrected_security_context(text: str, image: ImageFacts | None, expected: dict[str, object]) -> None:
    snippet = only(reviewed(text, image)).snippet
    assert snippet is not None
    context = yaml.safe_load(snippet.text)["securityContext"]
    assert {**context, **expected} == context
    assert context["runAsNonRoot"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"]["drop"] == ["ALL"]


def test_the_corrected_context_answers_the_findings() -> None:
    snippet = only(reviewed(pod(), ROOT)).snippet
    assert snippet is not None
    assert set(codes(reviewed(pod(snippet.text), ROOT))) == {"image-not-pinned"}
    answer = reviewed(pod(snippet.text), ROOT).workloads[0].pod_security
    assert answer is not None
    assert answer.answer == "admit"


@pytest.mark.parametrize(
    ("fields", "image", "user"),
    [
        ("user: root", facts("10001:0"), "10001:0"),
        ("", facts("10001:0"), "10001:0"),
        ('user: "3000"', facts("10001:0"), "3000:0"),
        ('user: "3000"', NUMERIC, "3000:3000"),
        ('user: "3000"', ROOT, "3000:3000"),
        ('user: "3000"', MINE, "1001:1001"),
        ('user: "3000:3000"', OWN, "1001:1001"),
        ('user: "3000"', replace(MINE, config=replace(MINE.config, user="")), "3000:3000"),
    ],
)
def test_the_group_and_the_user_the_image_was_made_for(fields: str, image: ImageFacts, user: str) -> None:
    snippet = only(reviewed(service(fields), image)).snippet
    assert snippet is not None
    assert yaml.safe_load(snippet.text)["services"]["web"]["user"] == user


@pytest.mark.parametrize("name", ["web", "a-b_c"])
def test_the_corrected_service_is_ready_to_merge(name: str) -> None:
    snippet = only(reviewed(f"services: {{{name}: {{image: nginx}}}}", ROOT)).snippet
    assert snippet is not None
    assert yaml.safe_load(snippet.text) == {
        "services": {name: {"user": "1001:1001", "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}}
    }


@pytest.mark.parametrize("name", ["'a: b'", "'x\\n  y'", '"\\n- evil"', "'#'", "yes", "'null'", "Ü", "'`'"])
def test_no_text_of_the_file_gets_into_a_snippet(name: str) -> None:
    snippet = only(reviewed(f"services: {{{name}: {{image: nginx}}}}", ROOT)).snippet
    assert snippet is not None
    assert set(yaml.safe_load(snippet.text)) == {"user", "cap_drop", "security_opt"}
