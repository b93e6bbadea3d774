"""The compose file, brought up by a real compose on a real engine: its commands, networks, rights and health checks."""

import base64
import json
import os
import secrets
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from compliance.localstack.ports import free_port
from tests.deploy.stand_ins import build_stand_ins
from tests.support.engine import Engine
from tests.support.images import image as example_image
from tests.support.real_registry import RealRegistry
from tests.support.wheels import ROOT

OURS = ("web", "worker", "beat")
# A uid that nobody knows, as OpenShift gives one.
OVERRIDE = "services:\n" + "".join(f"  {name}: {{user: '123456:0'}}\n" for name in ("prepare", *OURS))
HEALTHY_SECONDS = 60
# Any other variable of the test session would win over the one in .env.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL")


@dataclass(frozen=True)
class Deployment:
    """A project that was brought up from a copy of the compose file."""

    engine: Engine
    folder: Path
    web: str
    registry: str

    def compose(self, *arguments: str, check: bool = True) -> str:
        program = shutil.which("docker-compose")
        assert program, "docker-compose is missing. Install it: apt-get install docker-compose"
        kept = {key: value for key, value in self.engine.environment.items() if key in KEPT or key.startswith("DOCKER")}
        command = [program, "--file", "docker-compose.yml", "--file", "override.yml", "--profile", "demo", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=kept, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0 or not check, f"{arguments}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def inspect(self, service: str) -> dict[str, Any]:
        container = self.compose("ps", "--quiet", service).strip()
        (told,) = json.loads(self.engine.docker("inspect", container).stdout)
        found: dict[str, Any] = told
        return found

    def check_health(self, service: str) -> tuple[int, str]:
        """Run the health check the engine was given, as it would, without waiting for its interval."""
        told = self.inspect(service)
        kind, *command = told["Config"]["Healthcheck"]["Test"]
        command = ["sh", "-c", *command] if kind == "CMD-SHELL" else command
        done = self.engine.docker("exec", told["Id"], *command, check=False)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def deployment(engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Bring everything up as the file says, from `.env` made of the example; take it down with its volumes."""
    folder = tmp_path_factory.mktemp("compose")
    compose = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())
    names = [compose["services"][name]["image"] for name in ("postgres", "redis", "registry")]
    build_stand_ins(engine, tmp_path_factory.mktemp("stand-ins"), names)
    web, registry = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    shutil.copy(ROOT / "docker-compose.yml", folder)
    (folder / "override.yml").write_text(OVERRIDE)
    (folder / ".env").write_text(filled_example(web, registry, image))
    made = Deployment(engine, folder, web, registry)
    try:
        made.compose("up", "--detach", "--no-build")
        yield made
    finally:
        made.compose("kill", check=False)
        made.compose("down", "--volumes", check=False)


def filled_example(web: str, registry: str, image: str) -> str:
    """Return `deploy/env.example` as a person fills it in."""
    values = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD")}
    values["PLIMSOLL_CREDENTIAL_KEYS"] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    values |= {"PLIMSOLL_LISTEN": web, "REGISTRY_LISTEN": registry, "WORKER_CONCURRENCY": "1"}
    lines = (ROOT / "deploy" / "env.example").read_text().splitlines()
    names = [line.partition("=")[0] for line in lines]
    assert values.keys() <= set(names)
    filled = [f"{name}={values[name]}" if name in values else line for name, line in zip(names, lines, strict=True)]
    return "\n".join([*filled, f"PLIMSOLL_IMAGE={image}", ""])


@pytest.mark.parametrize("service", [*OURS, "postgres", "redis"])
def test_each_service_becomes_healthy_by_its_own_check(deployment: Deployment, service: str) -> None:
    give_up = time.monotonic() + HEALTHY_SECONDS
    while (found := deployment.check_health(service))[0] != 0:
        assert time.monotonic() < give_up, (found, deployment.compose("logs", "--no-color", service)[-3000:])
        time.sleep(0.5)


def test_the_worker_fails_its_check_when_it_is_gone(deployment: Deployment) -> None:
    container = deployment.inspect("beat")["Id"]
    program = deployment.inspect("worker")["Config"]["Healthcheck"]["Test"][1].replace("--timeout 10", "--timeout 1")
    # The same question where no worker of this name lives.
    assert deployment.engine.docker("exec", container, "sh", "-c", program, check=False).returncode != 0


def test_prepare_ended_well_before_the_others_began(deployment: Deployment) -> None:
    prepared = deployment.inspect("prepare")["State"]
    assert (prepared["Status"], prepared["ExitCode"]) == ("exited", 0)
    assert all(deployment.inspect(name)["State"]["StartedAt"] > prepared["FinishedAt"] for name in OURS)


@pytest.mark.parametrize("service", OURS)
def test_our_processes_have_no_rights_on_a_root_they_cannot_write(deployment: Deployment, service: str) -> None:
    told = deployment.inspect(service)
    host = told["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["Init"]) == (True, ["ALL"], True)
    status = deployment.engine.docker("exec", told["Id"], "cat", "/proc/1/status").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert (fields["Uid"].split(), fields["Gid"].split()) == (["123456"] * 4, ["0"] * 4)
    assert (fields["NoNewPrivs"], fields["CapBnd"], fields["CapEff"]) == ("1", "0" * 16, "0" * 16)
    assert told["RestartCount"] == 0


def test_the_page_is_published_where_env_says(deployment: Deployment) -> None:
    asked = urllib.request.Request(f"http://{deployment.web}/readyz", headers={"Host": "localhost"})
    give_up = time.monotonic() + HEALTHY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                assert answer.status == 200
                return
        except OSError:  # the engine listens before the web server does
            assert time.monotonic() < give_up, deployment.compose("logs", "--no-color", "web")[-3000:]
            time.sleep(0.5)


def test_postgres_and_redis_are_on_the_inner_network_only(deployment: Deployment) -> None:
    for service in ("postgres", "redis"):
        told = deployment.inspect(service)["NetworkSettings"]
        assert list(told["Networks"]) == ["plimsoll_inside"]
        assert not any(told["Ports"].values())


def test_postgres_has_room_for_a_large_fleet(deployment: Deployment) -> None:
    program = "from django.db import connection as c; k = c.cursor(); k.execute('SHOW shared_buffers'); print(*k)"
    told = deployment.compose("exec", "-T", "web", "python", "manage.py", "shell", "--no-imports", "-c", program)
    assert "256MB" in told


def test_the_registry_of_the_profile_demo_is_scanned_by_its_name(deployment: Deployment, tmp_path: Path) -> None:
    RealRegistry(deployment.registry, tmp_path).push("shop/cart", "1", example_image())
    manage = ("exec", "-T", "web", "python", "manage.py")
    deployment.compose(*manage, "add_registry", "demo", "http://registry:5000")
    assert "1 repositories, 1 tags" in deployment.compose(*manage, "scan", "demo", "--wait")
