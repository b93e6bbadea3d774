"""The files of the deployment, as far as reading them goes."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from compliance.project import env as project_env

ROOT = Path(__file__).parents[2]
MANIFESTS = sorted(path for path in (ROOT / "deploy" / "kubernetes").glob("*.yaml"))
# https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
SAFE_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"
}  # fmt: skip


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / name), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def yaml(path: Path) -> list[Any]:
    return [document for document in YAML(typ="safe").load_all(path) if document]


def pods() -> Iterator[tuple[str, Any]]:
    for path in MANIFESTS:
        for document in yaml(path):
            if "template" in document.get("spec", {}):
                yield document["metadata"]["name"], document["spec"]["template"]["spec"]


PODS = dict(pods())


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    found = tool("hadolint", "Dockerfile")
    assert (found.returncode, found.stdout) == (0, "")


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian\nRUN sudo cd /tmp\n")
    assert "DL3006" in tool("hadolint", str(tmp_path / "Dockerfile")).stdout


def test_the_compose_file_fits_its_schema() -> None:
    found = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")
    assert found.returncode == 0, found.stdout


def test_the_schema_would_find_a_wrong_compose_file(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text((ROOT / "docker-compose.yml").read_text().replace("read_only: true", "read_only: [maybe]"))
    assert tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(wrong)).returncode == 1


@pytest.mark.parametrize("name", ["prepare", "web", "worker", "beat"])
def test_our_services_have_no_rights_they_do_not_need(name: str) -> None:
    (compose,) = yaml(ROOT / "docker-compose.yml")
    service = compose["services"][name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_every_service_that_stays_has_a_health_check() -> None:
    (compose,) = yaml(ROOT / "docker-compose.yml")
    own = "web"  # its check is in the image
    services = {name: service for name, service in compose["services"].items() if "profiles" not in service}
    assert [name for name, service in services.items() if "healthcheck" not in service] == [own]
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()


def test_no_secret_has_a_value_in_the_example() -> None:
    lines = (ROOT / "deploy" / "env.example").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    secrets = ("SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "PLIMSOLL_CREDENTIAL_KEYS")
    assert [values[name] for name in secrets] == [""] * 4


@pytest.mark.parametrize("name", PODS)
def test_every_pod_passes_pod_security_restricted(name: str) -> None:
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    assert all(volume.keys() - {"name"} <= SAFE_VOLUMES for volume in pod["volumes"])
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        # No runAsUser: OpenShift gives each namespace its own, and the image runs under any.
        assert "runAsUser" not in context


def test_there_is_a_pod_for_each_part() -> None:
    assert set(PODS) == {f"plimsoll-{name}" for name in ("web", "worker", "worker-heavy", "beat", "prepare")}


def test_somebody_takes_from_every_queue() -> None:
    (compose,) = yaml(ROOT / "docker-compose.yml")
    assert _queues(compose["services"]["worker"]["command"]) == {"celery", "heavy"}
    pods = [_queues(PODS[name]["containers"][0]["command"]) for name in ("plimsoll-worker", "plimsoll-worker-heavy")]
    assert pods == [{"celery"}, {"heavy"}]


def _queues(command: list[str]) -> set[str]:
    return set(command[command.index("--queues") + 1].split(","))


def test_the_namespace_enforces_restricted() -> None:
    (namespace,) = yaml(ROOT / "deploy" / "kubernetes" / "namespace.yaml")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_manifest_is_listed() -> None:
    (listed,) = yaml(ROOT / "deploy" / "kubernetes" / "kustomization.yaml")
    assert {*listed["resources"], "kustomization.yaml"} == {path.name for path in MANIFESTS}


def test_every_documented_variable_is_read_somewhere() -> None:
    lines = (ROOT / "deploy" / "env.example").read_text().splitlines()
    names = {found[1] for line in lines if (found := re.match(r"#?([A-Z_]+)=", line))}
    project = Path(project_env.__file__)
    readers = [project, project.parent / "settings.py", ROOT / "docker-compose.yml"]
    text = "".join(path.read_text() for path in readers)
    assert [name for name in sorted(names) if name not in text] == []


def test_what_clouds_need_reaches_the_build() -> None:
    named = {f"{name}.txt" for name in re.findall(r"requirements-\w+", (ROOT / "Dockerfile").read_text())}
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert len(named) == 3
    assert named <= let_through & {path.name for path in ROOT.glob("requirements-*.txt")}
