"""GitLab: its address from the registry's challenge, groups or else projects, pages by ``X-Next-Page``."""

from __future__ import annotations

import pytest

from scanner.domain.problems import Refused
from scanner.sources.catalogs import Wanted
from scanner.sources.registry.credentials import Credential
from tests.scanner.sources.catalogs.conftest import Hosts
from tests.support.products import Asked, Reply, json_reply
from tests.support.sources import CANARY

PAT = Credential("scanner", CANARY)
TEAM = Wanted(namespaces=("team/sub",))
GROUP = "/api/v4/groups/team%2Fsub/registry/repositories"
PROJECT = "/api/v4/projects/team%2Fone/registry/repositories"


def challenged(realm: str, status: int = 401) -> Reply:
    header = f'Bearer realm="{realm}",service="container_registry"'
    return json_reply({"errors": [{"code": "UNAUTHORIZED"}]}, status, WWW_Authenticate=header)


def registry(asked: Asked) -> Reply:
    return challenged("https://gitlab.com/jwt/auth")


def gitlab(asked: Asked) -> Reply | None:
    """Three pages for a group, one for a project."""
    if asked.authorization != f"Bearer {CANARY}":
        return json_reply({"message": "401 Unauthorized"}, 401)
    page = int(asked.query["page"])
    if asked.path == GROUP:
        following = str(page + 1) if page < 3 else ""
        misleading = '<http://gitlab.internal/api?page=2>; rel="next"'
        return json_reply([entry(f"Team/sub/p{page}")], X_Next_Page=following, Link=misleading)
    if asked.path == PROJECT:
        return json_reply([entry("team/one"), entry("team/one/worker")], X_Next_Page="")
    return None


def entry(path: str) -> dict[str, object]:
    return {"id": 1, "name": "", "path": path, "location": f"registry.gitlab.com/{path}"}


def test_groups_and_projects(hosts: Hosts) -> None:
    net = hosts({"registry.gitlab.com": registry, "gitlab.com": gitlab})
    found = net.listed("registry.gitlab.com", "gitlab", Wanted(namespaces=("team/sub", "/team/one/")), PAT)
    assert found == ["team/sub/p1", "team/sub/p2", "team/sub/p3", "team/one", "team/one/worker"]
    assert net.shown() == {"registry.gitlab.com": {None}, "gitlab.com": {f"Bearer {CANARY}"}}


def test_a_gitlab_of_ones_own_whose_host_was_allowed(hosts: Hosts) -> None:
    net = hosts({"images.example": lambda _: challenged("https://git.example/jwt/auth"), "git.example": gitlab})
    wanted = Wanted(namespaces=("team/sub",), api_token=PAT)
    found = net.listed(
        "images.example", "gitlab", wanted, Credential("deploy", "only-pulls"), token_hosts=("git.example",)
    )
    assert len(found) == 3
    assert (net.heard(CANARY), net.heard("only-pulls")) == ({"git.example"}, set())


@pytest.mark.parametrize("realm", ["https://evil.example/jwt/auth", "http://images.example/jwt/auth", "nonsense"])
def test_an_address_nobody_allowed_hears_nothing(hosts: Hosts, realm: str) -> None:
    net = hosts({"images.example": lambda _: challenged(realm), "evil.example": gitlab})
    with pytest.raises(Refused) as caught:
        net.listed("images.example", "gitlab", TEAM, PAT)
    assert caught.value.code == "token-realm-forbidden"
    assert (net.heard(CANARY), set(net.shown())) == (set(), {"images.example"})


@pytest.mark.parametrize("reply", [json_reply({}), json_reply({}, 401), challenged("https://gitlab.com/", 403)])
def test_a_registry_that_names_no_gitlab(hosts: Hosts, reply: Reply) -> None:
    net = hosts({"images.example": lambda _: reply, "gitlab.com": gitlab})
    with pytest.raises(Refused):
        net.listed("images.example", "gitlab", TEAM, PAT)
    assert net.heard(CANARY) == set()


@pytest.mark.parametrize("number", ["two", "-1", "9" * 40])
def test_a_next_page_that_is_no_number(hosts: Hosts, number: str) -> None:
    odd = json_reply([entry("team/sub/p1")], X_Next_Page=number)
    net = hosts({"registry.gitlab.com": registry, "gitlab.com": lambda _: odd})
    with pytest.raises(Refused) as caught:
        net.listed("registry.gitlab.com", "gitlab", TEAM, PAT)
    assert caught.value.code == "protocol-error"


def test_a_wrong_token(hosts: Hosts) -> None:
    net = hosts({"registry.gitlab.com": registry, "gitlab.com": gitlab})
    with pytest.raises(Refused) as caught:
        net.listed("registry.gitlab.com", "gitlab", TEAM, Credential("scanner", "wrong"))
    assert caught.value.code == "auth-failed"
    assert "read_api" in caught.value.remedy


def test_nothing_named(hosts: Hosts) -> None:
    net = hosts({"registry.gitlab.com": registry, "gitlab.com": gitlab})
    with pytest.raises(Refused, match="groups or projects"):
        net.listed("registry.gitlab.com", "gitlab", Wanted(), PAT)
    assert net.asked == []


def test_a_registry_token_is_for_the_registry_alone(hosts: Hosts) -> None:
    net = hosts({"registry.gitlab.com": registry, "gitlab.com": gitlab})
    with pytest.raises(Refused):
        net.listed("registry.gitlab.com", "gitlab", TEAM, Credential("", CANARY, is_registry_token=True))
    assert "gitlab.com" not in net.heard(CANARY)
