"""`manage.py add_registry`: the contract of its arguments, and what cannot be used."""

from __future__ import annotations

import json
from datetime import time

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from compliance.models import Registry
from compliance.models.encryption import reveal
from compliance.policy.scan_scope import ScanScope
from compliance.policy.schedule import Schedule
from tests.support.demo_registry import DemoRegistry
from tests.support.images import image
from tests.support.oci_layout import OciLayout
from tests.support.products import internet, json_reply

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compliance.tasks.wake._send", lambda *_: None)


def scan(name: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, object]]:
    """Run it here; the exit status and what it printed."""
    capsys.readouterr()
    try:
        call_command("scan", name, "--wait", "--json")
        status = 0
    except SystemExit as left:
        status = int(str(left.code))
    return status, json.loads(capsys.readouterr().out)


def test_a_registry_on_this_machine_with_nothing_but_name_and_url(
    demo_registry: DemoRegistry, demo_layout: OciLayout, capsys: pytest.CaptureFixture[str]
) -> None:
    demo_layout.tag("team/app", "1", image(user="1001"))
    call_command("add_registry", "My shop", demo_registry.url)
    assert "manage.py scan 'My shop' --wait" in capsys.readouterr().out
    status, printed = scan("My shop", capsys)
    assert (status, printed["passed"]) == (0, 1)


def test_public_only(demo_registry: DemoRegistry, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("add_registry", "shop", demo_registry.url, "--public-only")
    status, printed = scan("shop", capsys)
    assert (status, problem_code(printed)) == (1, "forbidden-address")
    assert demo_registry.requests == []


def test_the_setting_of_the_site_wins(
    demo_registry: DemoRegistry, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.ALLOW_PRIVATE_REGISTRIES = False
    call_command("add_registry", "shop", demo_registry.url)
    status, printed = scan("shop", capsys)
    assert (status, problem_code(printed)) == (1, "forbidden-address")
    assert demo_registry.requests == []


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200"])
def test_metadata_services_stay_refused(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("add_registry", "cloud", f"http://{host}")
    status, printed = scan("cloud", capsys)
    assert (status, problem_code(printed)) == (1, "forbidden-address")


def problem_code(printed: dict[str, object]) -> str:
    (found,) = json.loads(json.dumps(printed["scans"]))
    return str(found["problem"]["code"])


@pytest.mark.parametrize(
    ("url", "options", "stored", "verified"),
    [
        ("https://registry.example", [], "https://registry.example", True),
        ("registry.example:5000", [], "https://registry.example:5000", True),
        ("https://registry.example/v2/", ["--insecure"], "https://registry.example", False),
        ("http://registry.example:5000/", [], "http://registry.example:5000", True),
        ("HTTP://Registry.Example:80", [], "http://registry.example", True),
        ("http://registry.example", ["--insecure"], "http://registry.example", False),
    ],
)
def test_the_scheme_is_what_was_written(url: str, options: list[str], stored: str, verified: bool) -> None:
    call_command("add_registry", "shop", url, *options)
    row = Registry.objects.get()
    assert (row.url, row.verify_tls, row.allow_private) == (stored, verified, True)


def test_the_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "correct-horse")
    call_command("add_registry", "shop", "https://r.example", "--username", "u", "--password-env", "SHOP_PASSWORD")
    row = Registry.objects.get()
    assert (row.username, reveal(row.password)) == ("u", "correct-horse")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["shop", "ftp://registry.example"], "https://host"),
        (["shop", "https://registry.example/team"], "no path"),
        (["shop", "https://u:p@registry.example"], "user name"),
        (["shop", "https://registry.example:99999"], "not a URL"),
        (["shop", ""], "https://host"),
        (["", "https://registry.example"], "NAME is"),
        (["x" * 101, "https://registry.example"], "1 to 100"),
        (["a\x00b", "https://registry.example"], "printable"),
        (["shop", "https://r.example", "--interval", "-1"], "--interval"),
        (["shop", "https://r.example", "--interval", "9999999999"], "--interval"),
        (["shop", "https://r.example", "--policy", "lenient"], "one of baseline, kubernetes, openshift, strict"),
        (["shop", "https://r.example", "--username", "u"], "--password-env VAR"),
        (["shop", "https://r.example", "--password-env", "V"], "--username U"),
        (["shop", "https://r.example", "--username", "u", "--password-env", "PLIMSOLL_NO_SUCH"], "Export it"),
        (["shop", "https://r.example", "--username", "u" * 201, "--password-env", "HOME"], "at most 200"),
    ],
)
def test_what_cannot_be_used_is_said(arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("add_registry", *arguments)
    assert not Registry.objects.exists()


def test_a_name_that_is_taken() -> None:
    call_command("add_registry", "shop", "https://registry.example")
    with pytest.raises(CommandError, match="already"):
        call_command("add_registry", "shop", "https://other.example")


@pytest.mark.parametrize(
    ("url", "given", "stored"),
    [
        ("https://registry.example", [], ("https://registry.example", "distribution")),
        ("docker.io", [], ("https://registry-1.docker.io", "dockerhub")),
        ("https://hub.docker.com", [], ("https://registry-1.docker.io", "dockerhub")),
        ("https://ghcr.io", [], ("https://ghcr.io", "ghcr")),
        ("https://ghcr.io", ["--product", "distribution"], ("https://ghcr.io", "distribution")),
        ("https://registry.example:8443", ["--product", "harbor"], ("https://registry.example:8443", "harbor")),
    ],
)
def test_the_product_is_told_by_the_host_or_given(url: str, given: list[str], stored: tuple[str, str]) -> None:
    call_command("add_registry", "shop", url, *given)
    row = Registry.objects.get()
    assert (row.url, row.product) == stored


def test_what_to_list() -> None:
    listed = ["--namespace", "shop", "--namespace", "Team/App", "--repository", "shop/web"]
    call_command("add_registry", "shop", "ghcr.io", *listed)
    row = Registry.objects.get()
    assert (row.namespaces, row.entered_repositories) == (["shop", "Team/App"], ["shop/web"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--repository", "ghcr.io/shop/web:1"], "without the registry"),
        (["--namespace", ""], "--namespace"),
        (["--namespace", "a\nb"], "--namespace"),
        (["--product", "docker-engine"], "invalid choice"),
    ],
)
def test_names_that_list_nothing(given: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("add_registry", "shop", "ghcr.io", *given)
    assert not Registry.objects.exists()


def test_the_product_is_told_by_what_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    challenge = 'Bearer realm="https://images.example/service/token",service="harbor-registry"'
    answer = json_reply({}, 401, WWW_Authenticate=challenge)
    with internet(monkeypatch, {"images.example": lambda _: answer}) as net:
        call_command("add_registry", "shop", "https://images.example", "--insecure")
        call_command("add_registry", "as told", "https://images.example", "--insecure", "--product", "zot")
    assert dict(Registry.objects.values_list("name", "product")) == {"shop": "harbor", "as told": "zot"}
    assert [(one.path, one.authorization) for one in net.asked] == [("/v2/", None)]


def test_what_the_form_asks_for_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PROXY", "http://u:p@proxy.example:3128")
    scope = ("--include", "team/*", "--exclude-tag", "tmp-*", "--newest", "5", "--platform", "linux/amd64")
    when = ("--cron", "0 3 * * *", "--time-zone", "Europe/Berlin", "--quiet-from", "08:00", "--quiet-until", "18:00")
    limits = ("--connections", "4", "--requests-per-minute", "600", "--proxy-env", "SHOP_PROXY")
    call_command("add_registry", "shop", "https://r.example", *scope, *when, *limits)
    row = Registry.objects.get()
    assert row.scope == ScanScope(("team/*",), exclude_tags=("tmp-*",), newest_tags=5, platforms=("linux/amd64",))
    assert row.schedule == Schedule(60, "0 3 * * *", "Europe/Berlin", time(8), time(18))
    assert (row.connections, row.requests_per_minute) == (4, 600)
    assert reveal(row.proxy) == "http://u:p@proxy.example:3128"


def test_a_token_needs_no_user_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "t0ken")
    call_command("add_registry", "shop", "https://r.example", "--auth-method", "bearer", "--password-env", "SHOP_TOKEN")
    row = Registry.objects.get()
    assert (row.auth_method, reveal(row.password)) == ("bearer", "t0ken")


@pytest.mark.parametrize(
    ("url", "product"),
    [("docker-daemon:", "docker-engine"), ("oci:/srv/a", "oci-layout"), ("docker-archive:/a.tar", "docker-archive")],
)
def test_sources_on_this_machine(url: str, product: str) -> None:
    call_command("add_registry", "here", url)
    row = Registry.objects.get()
    assert (row.url, row.product, row.is_local) == (url, product, True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--newest", "0"], "--newest: .*1"),
        (["--cron", "0 0 30 2 *"], "--cron: .*no cron expression"),
        (["--ca", "/nowhere/ca.pem"], "--ca: /nowhere/ca.pem cannot be read"),
        (["--proxy-env", "PLIMSOLL_NO_SUCH"], "Export it"),
        (["--auth-method", "bearer"], "--password-env: .*token"),
        (["--platform", "linux"], "--platform: .*os/architecture"),
    ],
)
def test_what_the_form_refuses_is_refused_here(given: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("add_registry", "shop", "https://r.example", *given)
    assert not Registry.objects.exists()
