"""What all exchanges share: they are remembered, their failures have names, and no secret is told."""

from __future__ import annotations

import sys

import pytest

from scanner.domain.problems import Refused, ScanProblem, Unavailable
from scanner.sources.credentials.exchange import Entered, Exchanged, Memory, asking, sdk
from scanner.sources.registry.addresses import parse_registry_url
from scanner.sources.registry.credentials import Credential

HOST = parse_registry_url("https://registry.example")
SECRET = "canary-8c1e"
ENTERED = Entered("u", SECRET)


class Cloud:
    """Counts exchanges; each credential counts for an hour of a clock that only tests move."""

    def __init__(self) -> None:
        self.now, self.asked = 1_000.0, 0
        self.memory = Memory(lambda: self.now)

    def get(self, entered: Entered = ENTERED, kind: str = "ecr", host: str = "https://registry.example") -> str:
        return self.memory.get(kind, parse_registry_url(host), entered, self._fetch).password

    def _fetch(self) -> Exchanged:
        self.asked += 1
        return Exchanged(Credential("u", f"token {self.asked}"), self.now + 3_600)


def test_a_credential_is_kept_until_shortly_before_its_end() -> None:
    cloud = Cloud()
    assert cloud.get() == cloud.get() == "token 1"
    cloud.now += 3_600 - 301
    assert cloud.get() == "token 1"
    cloud.now += 2
    assert cloud.get() == "token 2"


def test_what_differs_is_not_mixed_up() -> None:
    cloud = Cloud()
    found = {
        cloud.get(),
        cloud.get(Entered("u", "other")),
        cloud.get(Entered("v", SECRET)),
        cloud.get(kind="google"),
        cloud.get(host="https://other.example"),
    }
    assert len(found) == 5


def test_nobody_keeps_a_password() -> None:
    cloud = Cloud()
    cloud.get()
    assert SECRET not in repr(vars(cloud.memory)) + repr(Entered("u", SECRET))


def test_forgotten() -> None:
    cloud = Cloud()
    cloud.get()
    cloud.memory.forget()
    assert cloud.get() == "token 2"


@pytest.mark.parametrize("extra", ["aws", "google", "azure"])
def test_a_missing_sdk_says_what_to_install(monkeypatch: pytest.MonkeyPatch, extra: str) -> None:
    monkeypatch.setitem(sys.modules, "some_cloud", None)
    with pytest.raises(Refused) as caught:
        sdk("some_cloud.part", extra)
    assert caught.value.code == "credential-sdk-missing"
    assert f"pip install -r requirements-{extra}.txt" in caught.value.remedy


def raised(name: str, **attributes: object) -> Exception:
    found: Exception = type(name, (Exception,), attributes)(f"it said {SECRET}")
    return found


def answered(status: int, code: str = "X") -> dict[str, object]:
    return {"ResponseMetadata": {"HTTPStatusCode": status}, "Error": {"Code": code}}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (raised("NoCredentialsError"), Refused),
        (raised("ClientError", response=answered(400, "UnrecognizedClientException")), Refused),
        (raised("ClientError", response=answered(400, "ThrottlingException")), Unavailable),
        (raised("ClientError", response=answered(429)), Unavailable),
        (raised("ClientError", response=answered(503)), Unavailable),
        (raised("EndpointConnectionError"), Unavailable),
        (raised("RefreshError"), Refused),
        (raised("RefreshError", retryable=True), Unavailable),
        (raised("TransportError"), Unavailable),
        (raised("ClientAuthenticationError", response=object()), Refused),
        (raised("ClientAuthenticationError"), Unavailable),
        (raised("CredentialUnavailableError"), Refused),
        (ValueError("no PEM"), Refused),
    ],
)
def test_failures_have_names_and_no_secrets(error: Exception, kind: type[ScanProblem]) -> None:
    with pytest.raises(kind) as caught, asking("Cloud", (SECRET,)):
        raise error
    problem = caught.value
    assert isinstance(problem, ScanProblem)
    assert SECRET not in problem.message
    assert problem.__cause__ is None
    assert problem.remedy


@pytest.mark.parametrize(("may", "code"), [(False, "credential-forbidden"), (True, "")])
def test_the_machines_own_identity_must_be_lent(may: bool, code: str) -> None:
    entered = Entered(may_be_ambient=may)
    if not code:
        assert entered.is_ambient()
        return
    with pytest.raises(Refused) as caught:
        entered.is_ambient()
    assert caught.value.code == code
    assert "PLIMSOLL_AMBIENT_CLOUD" in caught.value.remedy
