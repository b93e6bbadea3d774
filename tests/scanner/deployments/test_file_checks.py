from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import ImageFacts
from scanner.domain.files import FileFacts
from scanner.domain.verdict import Severity
from tests.scanner.deployments.manifests import codes, finding, pod, reviewed, service
from tests.support.facts import facts, privileged
from tests.support.file_facts import House, command

HOUSE = House(
    {
        "/srv/": (0o755, 0, 0),
        "/srv/own/": (0o750, 1001, 1001),
        "/srv/own/db": (0o640, 1001, 1001),
        "/srv/run": (0o700, 1001, 1001),
    }
)
OWN = replace(facts("1001:1001", files=HOUSE.facts("/srv/own"), working_dir="/srv/own"))
MINE = facts("1001:1001", files=FileFacts(entry_point=command(HOUSE.program("/srv/run"))))


@pytest.mark.parametrize(
    "text",
    [
        pod("securityContext: {runAsUser: 3000, runAsGroup: 3000}"),
        service('user: "3000:3000"'),
        pod("securityContext: {runAsUser: 3000}", "securityContext: {fsGroup: 2000}"),
    ],
)
def test_files_of_another_owner_are_out_of_reach(text: str) -> None:
    found = finding(reviewed(text, OWN), "files-out-of-reach")
    assert found.severity is Severity.MEDIUM
    assert "It runs as uid 3000" in found.message
    assert "made for uid 1001" in found.message
    assert "`/srv/own`" in found.message


@pytest.mark.parametrize(
    "text",
    [
        pod("securityContext: {runAsUser: 1001}"),
        pod("securityContext: {runAsUser: 3000, runAsGroup: 3000}\nvolumeMounts: [{name: d, mountPath: /srv/}]"),
        pod(),
        service(),
    ],
)
def test_the_images_own_user_and_what_a_volume_covers_are_fine(text: str) -> None:
    assert "files-out-of-reach" not in codes(reviewed(text, OWN))


def test_a_command_that_cannot_be_executed_is_quoted() -> None:
    found = finding(reviewed(service('user: "3000"'), MINE), "not-executable")
    assert found.severity is Severity.HIGH
    assert "permission denied" in found.words
    assert "not-executable" not in codes(reviewed(service(), MINE))


def test_a_command_of_the_files_own_is_not_the_images() -> None:
    for text in (service('user: "3000"\ncommand: [sh]'), pod("command: [sh]\nsecurityContext: {runAsUser: 3000}")):
        assert "not-executable" not in codes(reviewed(text, MINE))


SETUID = facts("1001", files=FileFacts(privileged=(privileged("/usr/bin/su", 0o4755),), privileged_total=1))


@pytest.mark.parametrize(
    ("text", "image", "severity"),
    [
        (pod(), SETUID, "medium"),
        (service(), SETUID, "medium"),
        (pod("securityContext: {allowPrivilegeEscalation: true}"), SETUID, "medium"),
        (pod("securityContext: {allowPrivilegeEscalation: false}"), SETUID, None),
        (service('security_opt: ["no-new-privileges"]'), SETUID, None),
        (pod(), facts("1001"), None),
        (pod(), facts("1001", files=None), "low"),
        (pod("securityContext: {runAsUser: 0}"), SETUID, None),
    ],
)
def test_setuid_programs_need_escalation(text: str, image: ImageFacts, severity: str | None) -> None:
    assert codes(reviewed(text, image)).get("escalation-open") == severity


def test_without_files_another_uid_is_told() -> None:
    image = facts("1001:1001", files=None)
    text = pod("securityContext: {runAsUser: 3000, runAsGroup: 3000}")
    assert codes(reviewed(text, image))["user-differs"] == "low"
    assert "user-differs" not in codes(reviewed(pod(), image))
