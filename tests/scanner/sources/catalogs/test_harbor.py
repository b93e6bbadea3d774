"""Harbor: all repositories or those of projects, pages by a relative ``Link``, nested names as they are."""

from __future__ import annotations

import pytest

from scanner.domain.problems import Refused
from scanner.sources.catalogs import Wanted
from scanner.sources.registry.credentials import Credential
from tests.scanner.sources.catalogs.conftest import Hosts
from tests.support.products import Asked, Reply, json_reply
from tests.support.sources import CANARY

HOST = "harbor.example"
ROBOT = Credential("robot$scanner", CANARY)
ALL = {1: ["library/nginx", "shop/deep/er/web"], 2: ["shop/api"], 3: ["7/seven"]}


def harbor(asked: Asked) -> Reply | None:
    if asked.authorization not in (None, ROBOT.basic()):
        return json_reply({"errors": [{"code": "UNAUTHORIZED", "message": "unauthorized"}]}, 401)
    page = int(asked.query["page"])
    if asked.path == "/api/v2.0/repositories":
        return paged(asked, page, ALL[page])
    if asked.path == "/api/v2.0/projects/7/repositories" and asked.headers["X-Is-Resource-Name"] == "true":
        return json_reply([{"id": 9, "name": "7/seven"}])
    if asked.path == "/api/v2.0/projects/empty/repositories":
        return json_reply(None)
    if asked.path == "/api/v2.0/projects/closed/repositories":
        return json_reply({"errors": [{"code": "FORBIDDEN", "message": "forbidden"}]}, 403)
    return None


def paged(asked: Asked, page: int, names: list[str]) -> Reply:
    more = {"Link": f'<{asked.path}?page={page + 1}&page_size=100>; rel="next"'} if page < 3 else {}
    if page > 1:
        more["Link"] = f'<{asked.path}?page={page - 1}&page_size=100>; rel="prev"' + (
            f" , {more['Link']}" if more else ""
        )
    return json_reply([{"id": 1, "name": name, "artifact_count": 2} for name in names], X_Total_Count="4", headers=more)


def test_everything_the_account_sees(hosts: Hosts) -> None:
    net = hosts({HOST: harbor})
    assert net.listed(HOST, "harbor", Wanted(), ROBOT) == [name for names in ALL.values() for name in names]
    assert net.shown() == {HOST: {ROBOT.basic()}}
    assert len(net.asked) == 3


def test_named_projects_and_one_that_is_a_number(hosts: Hosts) -> None:
    net = hosts({HOST: harbor})
    assert net.listed(HOST, "harbor", Wanted(namespaces=("7", "empty"))) == ["7/seven"]
    assert net.shown() == {HOST: {None}}


def test_a_name_with_a_slash_cannot_become_another_path(hosts: Hosts) -> None:
    net = hosts({HOST: harbor})
    with pytest.raises(Refused) as caught:
        net.listed(HOST, "harbor", Wanted(namespaces=("../users?x=",)), ROBOT)
    assert caught.value.code == "namespace-unknown"
    assert net.asked[0].path == "/api/v2.0/projects/..%2Fusers%3Fx%3D/repositories"


def test_a_closed_project_does_not_hide_the_others(hosts: Hosts) -> None:
    net = hosts({HOST: harbor})
    found: list[str] = []
    with (
        net.source(HOST, "harbor", Wanted(namespaces=("closed", "7")), ROBOT) as source,
        pytest.raises(Refused) as caught,
    ):
        found.extend(source.repositories())
    assert (found, caught.value.code) == (["7/seven"], "denied")
    assert "robot account" in caught.value.remedy


def test_a_wrong_password(hosts: Hosts) -> None:
    net = hosts({HOST: harbor})
    with pytest.raises(Refused) as caught:
        net.listed(HOST, "harbor", Wanted(namespaces=("7", "empty")), Credential("robot$scanner", "wrong"))
    assert (caught.value.code, len(net.asked)) == ("auth-failed", 1)


def test_a_refresh_token_is_for_the_token_service_only(hosts: Hosts) -> None:
    net = hosts({HOST: harbor})
    net.listed(HOST, "harbor", Wanted(), Credential("<token>", CANARY))
    assert net.heard(CANARY) == set()
