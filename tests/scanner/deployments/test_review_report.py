from __future__ import annotations

import json

import pytest

from scanner.deployments import review_report, review_text
from tests.scanner.deployments.manifests import IMAGE, pod, reviewed, service
from tests.support.facts import facts

APP = facts("app")
NUMERIC = facts("1001:1001")


def test_the_report_says_everything() -> None:
    report = review_report(reviewed(pod("securityContext: {runAsUser: 3000}", "securityContext: {fsGroup: 7}"), APP))
    assert json.loads(json.dumps(report)) == report
    (workload,) = report["workloads"]
    (container,) = workload["containers"]
    assert (report["verdict"], workload["kind"], workload["name"]) == ("pass", "Pod", "shop")
    assert container["identity"] == {"uid": 3000, "gid": 0, "groups": [7], "home": "/"}
    assert container["sets"] == {"run_as_user": 3000, "fs_group": 7}
    assert container["image"] == {"written": IMAGE, "reference": IMAGE, "built": False}
    assert workload["pod_security_restricted"]["answer"] == "refuse"


def test_the_text_shows_it_to_a_person() -> None:
    found = reviewed(f"# Source: c/t.yaml\n{pod('securityContext: {runAsNonRoot: true}')}---\nkind: Secret\n", APP)
    text = review_text(review_report(found))
    assert text.startswith("FAIL  1 container, 1 of 1 image inspected\n")
    assert "Pod shop" in text
    assert "c/t.yaml" in text
    assert "cannot verify user is non-root" in text
    assert "        runAsUser" in text
    assert "Starts nothing: 1 Secret" in text


EVIL = "\u202e\x1b[31m"


@pytest.mark.parametrize(
    "text",
    [
        service(f'user: "{EVIL[0]}\\e[31m"'),
        pod(image=f'"{EVIL[0]}\\e[31m"'),
        f'kind: "{EVIL[0]}\\e"\n',
        f'services: {{"{EVIL[0]}\\e": {{image: nginx}}}}',
        pod("", f'volumes: [{{name: "{EVIL[0]}\\e", hostPath: {{}}}}]'),
        pod(f'securityContext: {{capabilities: {{add: ["{EVIL[0]}\\e"]}}}}'),
        pod("", f'securityContext: {{seccompProfile: {{type: "{EVIL[0]}\\e"}}}}'),
        pod("", f'securityContext: {{supplementalGroupsPolicy: "{EVIL[0]}\\e"}}'),
        service(f'privileged: "{EVIL[0]}\\e"'),
    ],
)
def test_what_is_shown_is_safe(text: str) -> None:
    report = review_report(reviewed(text, NUMERIC))
    shown = review_text(report) + json.dumps(report, ensure_ascii=False)
    assert all(character.isprintable() or character == "\n" for character in shown)
