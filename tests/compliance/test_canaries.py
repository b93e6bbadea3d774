"""Secrets are entered everywhere, everything is made to talk, and all that was said is searched for them."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import redis
import trustme
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from compliance.forms.registry import RegistryForm
from compliance.models import ACTIVE, ChannelKind, DeliveryAttempt, InboundEvent, Registry, Scan, Tag, User
from compliance.models.encryption import reveal
from compliance.policy.schedule import Schedule
from compliance.services.api_tokens import revoke_tokens
from compliance.services.publish_policies import publish_policies
from compliance.services.request_scan import request_scan
from compliance.services.save_channel import Made, Wanted, add_channel, send_test
from compliance.services.save_registry import RegistryValues, save_registry
from compliance.services.webhook_endpoints import make_endpoint
from compliance.tasks.wake import wake
from tests.support.api_tokens import token
from tests.support.demo_registry import DemoRegistry
from tests.support.hooks import pushed
from tests.support.images import File, image, layer
from tests.support.oci_layout import OciLayout
from tests.support.pages import PLAIN_STATIC
from tests.support.running import exchange, request, running
from tests.support.workers import ROOT

PASSWORD, TOKEN, PROXY, WRONG = (f"canary-{name}-7c41e9" for name in ("password", "token", "proxy", "wrong"))
CHAT, MAILBOX = "canary-chat-7c41e9", "canary-mailbox-7c41e9"
PAGES = re.compile(r'(?:href|hx-get)="(/[^"#]*)"')
MOST_PAGES = 50
LOUD = {"LOG_LEVEL": "DEBUG", "PLIMSOLL_LEASE_SECONDS": "2", "PLIMSOLL_TICK_SECONDS": "0.5"}

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


def enter(demo: DemoRegistry) -> dict[str, Registry]:
    """A registry that works, and others that do not, each for another secret's sake."""
    authority = trustme.CA()
    certificate = authority.issue_cert("client.example")
    shared: dict[str, Any] = {"policy": "kubernetes", "allow_private": True, "schedule": Schedule(0)}
    key = certificate.private_key_pem.bytes().decode()
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems).decode()
    values = [
        RegistryValues("good", demo.url, username="scanner", password=PASSWORD, **shared),
        RegistryValues("wrong", demo.url, username="scanner", password=WRONG, **shared),
        RegistryValues("bearer", demo.url, auth_method="bearer", api_token=TOKEN, password=PASSWORD, **shared),
        RegistryValues("proxied", demo.url, proxy=f"http://robot:{PROXY}@127.0.0.1:9", **shared),
        RegistryValues("shown", "https://127.0.0.1:9", client_certificate=chain, client_key=key, **shared),
    ]
    return {one.name: save_registry(one, now=timezone.now()) for one in values}


def listen(person: User) -> list[Made]:
    """Channels that are each sent a test, which reaches nobody."""
    wanted = [
        Wanted(ChannelKind.SLACK, "Chat", f"https://127.0.0.1:9/services/{CHAT}", private=True),
        Wanted(ChannelKind.WEBHOOK, "Hook", f"https://127.0.0.1:9/{CHAT}", private=True),
        Wanted(ChannelKind.MAIL, "Mail", f"{MAILBOX}@example.org"),
    ]
    made = [add_channel(person, each, by=person, now=timezone.now()) for each in wanted]
    for each in made:
        send_test(each.channel, by=person, now=timezone.now())
    return made


def asked_by_programs(port: int, person: User) -> list[str]:
    """Show a token wherever it is taken, and a revoked one, one that lacks the scope and one that is cut off."""
    good, poor, gone = (token(person, *scopes, now=timezone.now()).secret for scopes in ((), ("read:waivers",), ()))
    revoke_tokens(person, now=timezone.now(), only=person.api_tokens.latest("pk").pk)
    answers = [
        exchange(port, request("GET", path, headers={"Authorization": f"Bearer {secret}"}))
        for path in ("/api/v1/summary", "/findings/export/", "/waivers/-/export/", "/settings/tokens/")
        for secret in (good, poor, gone, good[:-1])
    ]
    assert {status for status, _ in answers} == {200, 302, 401, 403}
    assert not [body for _, body in answers if good[12:-1].encode() in body]
    return [each[12:] for each in (good, poor, gone)]


def in_any_form(secrets: list[str]) -> list[str]:
    """As they are, and as clients write them."""
    logins = [f"{user}:{secret}" for secret in secrets for user in ("scanner", "robot")]
    spelled = [base64.b64encode(text.encode()).decode().rstrip("=") for text in [*secrets, *logins]]
    return [*secrets, *spelled, *(quote(secret, safe="") for secret in secrets)]


@contextmanager
def overheard(url: str) -> Iterator[list[str]]:
    """All commands that the queue is sent meanwhile, messages and their arguments among them."""
    address, found = urlsplit(url), list[str]()
    # By hand: redis' own parser of MONITOR ends at messages whose bytes are not as it expects.
    with socket.create_connection((address.hostname, address.port)) as listening:
        listening.sendall(f"AUTH {address.password}\r\nMONITOR\r\n".encode())

        def listen() -> None:
            with suppress(OSError):
                while chunk := listening.recv(65_536):
                    found.append(chunk.decode("latin-1"))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield found
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def stored() -> str:
    """Every row of every table."""
    parts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM \"{table}\" t")
            parts.append(str(cursor.fetchone()))
        cursor.execute("SELECT coalesce(string_agg(encode(body, 'escape'), chr(10)), '') FROM compliance_inboundevent")
        parts.append(str(cursor.fetchone()))
    return "\n".join(parts)


def crawled(port: int, cookie: dict[str, str], beginnings: list[str]) -> dict[str, str]:
    """Pages by address, from some of them on wherever links lead."""
    waiting, found = list(beginnings), dict[str, str]()
    while waiting and len(found) < MOST_PAGES:
        path = waiting.pop(0).replace("&amp;", "&")
        if path in found or path.startswith("/static/"):
            continue
        status, body = exchange(port, request("GET", path, headers=cookie))
        assert status in (200, 286, 302, 304, 404, 405), (path, status)
        found[path] = body.decode()
        waiting += PAGES.findall(found[path])
    return found


def tried() -> int:
    """How many messages were tried to be sent."""
    return DeliveryAttempt.objects.values("delivery").distinct().count()


def until_all_ended(messages: int, seconds: float = 200.0) -> None:
    """Until every scan has, and every message was tried once."""
    ends = time.monotonic() + seconds
    while Scan.objects.filter(state__in=ACTIVE).exists() or tried() < messages:
        assert time.monotonic() < ends, list(Scan.objects.values("registry__name", "state"))
        time.sleep(0.2)


def written_by_the_command_line(url: str, folder: Path) -> list[str]:
    """What `inspect` says with the right credential and with another one."""
    found = []
    for password in (PASSWORD, WRONG):
        login = base64.b64encode(f"scanner:{password}".encode()).decode()
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"auths": {url.removeprefix("http://"): {"auth": login}}}))
        for how in ("json", "sarif", "text"):
            command = [sys.executable, "-m", "scanner", "inspect", f"{url.removeprefix('http://')}/team/shop:1"]
            command += ["--format", how, "--plain-http"]
            environment = {**os.environ, "DOCKER_CONFIG": str(folder)}
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            found += [done.stdout, done.stderr]
    return found


def test_no_secret_is_said_anywhere(demo_registry: DemoRegistry, demo_layout: OciLayout, tmp_path: Path) -> None:
    base = layer({"etc/passwd": File(b"app:x:1001:1001::/:/bin/sh\n")})
    stored_image = image([base], user="1001")
    demo_layout.tag("team/shop", "1", stored_image)
    demo_registry.tokens.username, demo_registry.tokens.password = "scanner", PASSWORD
    publish_policies(timezone.now())
    rows = enter(demo_registry)
    hooks = {
        "good": make_endpoint(rows["good"], "distribution", now=timezone.now()),
        "wrong": make_endpoint(rows["wrong"], "quay", now=timezone.now()),
    }
    client = Client()
    kim = User.objects.create_user("kim", is_staff=True)
    client.force_login(kim)
    channels = listen(kim)
    cookie = {"Cookie": f"session={client.cookies['session'].value}"}
    static = tmp_path / "static"
    with override_settings(STATIC_ROOT=static):
        call_command("collectstatic", interactive=False, verbosity=0)
    with (
        overheard(settings.REDIS_URL) as queued,
        running(tmp_path, settings={**LOUD, "STATIC_ROOT": str(static)}) as product,
    ):
        for row in rows.values():
            wake(request_scan(row, trigger=Scan.Trigger.PAGE, now=timezone.now()))
        body = pushed("1", stored_image.digest, repository="team/shop")
        secret, key = hooks["good"].secret, f"/hooks/{hooks['good'].endpoint.key}/"
        quay = f"/hooks/{hooks['wrong'].endpoint.key}/{hooks['wrong'].secret}/"
        accepted = [
            exchange(product.port, request("POST", key, body, {"Authorization": f"Bearer {secret}"}))[0],
            exchange(product.port, request("POST", quay, b'{"repository": "team/shop", "updated_tags": ["1"]}'))[0],
            exchange(product.port, request("POST", key, body, {"Authorization": f"Bearer {secret}x"}))[0],
            exchange(product.port, request("POST", quay.rstrip("/") + "x", b"{}"))[0],
        ]
        until_all_ended(len(channels))
        tokens = asked_by_programs(product.port, kim)
        beginnings = ["/", *(f"/registries/{row.slug}/{part}" for row in rows.values() for part in ("", "edit/"))]
        beginnings += ["/settings/notifications/", *(f"/notifications/{each.channel.pk}/" for each in channels)]
        beginnings += ["/settings/tokens/", f"/settings/people/{kim.pk}/"]
        beginnings += ["/settings/system/", "/settings/system/?queue=now"]
        pages = crawled(product.port, cookie, [*beginnings, "/webhooks/", "/scans/"])
        kept = redis.Redis.from_url(settings.REDIS_URL)
        queued += [f"{key!r} {kept.dump(key)!r}" for key in kept.scan_iter()]
    outputs = written_by_the_command_line(demo_registry.url, tmp_path / "docker")

    assert accepted == [202, 202, 401, 401]
    assert Tag.objects.filter(verdict="pass", repository__registry=rows["good"]).exists()
    assert Registry.objects.exclude(problem_code="").count() >= len(rows) - 1
    assert any("1001" in text or "pass" in text for text in outputs)
    assert tried() == len(channels)
    assert len(pages) > 20
    assert "For a ticket" in pages["/settings/system/?queue=now"]
    assert "compliance.wake_scan" in "".join(queued)
    assert InboundEvent.objects.count() >= 2
    lines = reveal(rows["shown"].client_key).splitlines()
    ours = [hooks["good"].secret, hooks["wrong"].secret, CHAT, MAILBOX, channels[1].secret, *tokens]
    secrets = in_any_form([PASSWORD, TOKEN, PROXY, WRONG, *ours]) + lines[2:4]
    said = {
        "database": stored(),
        "queue": "".join(queued),
        "command line": "\n".join(outputs),
        **{log.name: log.read_text(errors="replace") for log in tmp_path.glob("*.log")},
        **pages,
    }
    assert len(said["web.log"]) > 500
    assert len(said["worker.log"]) > 500
    assert {(where, found) for where, text in said.items() for found in secrets if found in text} == set()


@pytest.mark.parametrize("debug", [True, False])
def test_an_error_page_says_no_secret(debug: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_policies(timezone.now())
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_user("kim", is_staff=True))

    def fail(form: RegistryForm) -> bool:
        password = form.data["password"]
        raise RuntimeError(f"a fault of ours with {len(password)} letters")

    monkeypatch.setattr(RegistryForm, "is_valid", fail)
    entered = {
        "name": "shop", "url": "https://127.0.0.1:9", "policy": "kubernetes", "allow_private": "on",
        "product": "distribution", "auth_method": "password", "username": "scanner", "password": PASSWORD,
        "api_token": TOKEN, "client_key": WRONG, "proxy": f"http://robot:{PROXY}@127.0.0.1:9",
        "interval_minutes": "0", "when": "asked", "connections": "4", "time_zone": "UTC",
    }  # fmt: skip
    with override_settings(DEBUG=debug, STORAGES=PLAIN_STATIC):
        answer = client.post("/registries/-/test/", entered)

    assert answer.status_code == 500
    assert (f"with {len(PASSWORD)} letters" in answer.content.decode()) is debug
    ours = [settings.SECRET_KEY, settings.DATABASES["default"]["PASSWORD"], urlsplit(settings.REDIS_URL).password]
    secrets = [*in_any_form([PASSWORD, TOKEN, PROXY, WRONG]), *ours, client.cookies["session"].value]
    assert [one for one in secrets if one and one in answer.content.decode()] == []
