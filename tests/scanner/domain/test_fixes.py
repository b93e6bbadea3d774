from __future__ import annotations

import pytest

from scanner.domain.files import EntryPoint, FileFacts, Program, ProgramForm, Walk, WalkState
from scanner.domain.fixes import (
    Account,
    BaseFamily,
    base_family,
    create_account,
    give_folders,
    own_group,
    run_as_account,
    safe_name,
    safe_path,
    someone_else,
)
from tests.support.demo.families import ALPINE, DEBIAN, UBI
from tests.support.facts import APP, ROOT_LINE, facts

DISTROLESS = ROOT_LINE + "nobody:x:65534:65534::/nonexistent:/sbin/nologin\nnonroot:x:65532:65532::/home/nonroot:/\n"


@pytest.mark.parametrize(
    ("passwd", "history", "family"),
    [
        (DEBIAN.passwd, [], BaseFamily.DEBIAN),
        (UBI.passwd, [], BaseFamily.REDHAT),
        (ALPINE.passwd, [], BaseFamily.ALPINE),
        (DISTROLESS, [], BaseFamily.DISTROLESS),
        (DEBIAN.passwd + DISTROLESS, [], BaseFamily.DEBIAN),
        (ROOT_LINE, ["ADD rootfs in /", "RUN apk add --no-cache curl"], BaseFamily.ALPINE),
        (ROOT_LINE, ["ADD rootfs in /", "/bin/sh -c apt-get install -y curl"], BaseFamily.DEBIAN),
        (ROOT_LINE, ["ADD rootfs in /", "/bin/sh -c microdnf install curl"], BaseFamily.REDHAT),
        (DEBIAN.passwd, ["COPY /etc/passwd /etc/passwd", "/bin/sh -c #(nop) COPY file:1 in / "], BaseFamily.SCRATCH),
        (None, [], BaseFamily.SCRATCH),
        (ROOT_LINE, [], BaseFamily.UNSEEN),
    ],
)
def test_base_family(passwd: str | None, history: list[str], family: BaseFamily) -> None:
    assert base_family(facts("", passwd, history=history)) is family


def test_a_program_that_needs_musl_runs_on_alpine() -> None:
    walk = Walk("/server", WalkState.FOUND, "/server")
    program = Program(walk, ProgramForm.ELF, "/lib/ld-musl-x86_64.so.1")
    script = Program(walk, ProgramForm.SCRIPT, "/bin/sh", program)
    for found in (program, script):
        files = FileFacts(entry_point=EntryPoint(("/server",), (), (found,)))
        assert base_family(facts("", ROOT_LINE, files=files)) is BaseFamily.ALPINE


@pytest.mark.parametrize(
    ("passwd", "least", "account"),
    [
        (APP, 1_000, Account("app", 1001, 1001, exists=True)),
        (APP, 10_000, Account("appuser", 10_001, 10_001, exists=False)),
        (ROOT_LINE, 1_000, Account("app", 10_001, 10_001, exists=False)),
        (None, 1_000, Account("app", 10_001, 10_001, exists=False)),
        ("x:x:10001:5::/:\n".replace("x:x", "X X:x"), 1_000, Account("app", 10_002, 10_002, exists=False)),
        ("nobody:x:65534:65534::/:\n", 1_000, Account("app", 10_001, 10_001, exists=False)),
        (ROOT_LINE, 100_000, Account("app", 100_000, 100_000, exists=False)),
    ],
)
def test_who_to_run_as_instead(passwd: str | None, least: int, account: Account) -> None:
    assert someone_else(facts("", passwd), least=least) == account


def test_an_image_that_takes_every_uid_still_gets_advice() -> None:
    passwd = "".join(f"X {uid}:x:{uid}:{uid}::/:\n" for uid in range(10_001, 65_534))
    assert someone_else(facts("", passwd)).uid > 10_001


@pytest.mark.parametrize(
    ("family", "lines"),
    [
        (BaseFamily.ALPINE, ["RUN addgroup -g 7 app && adduser -D -H -u 5 -G app app"]),
        (
            BaseFamily.DEBIAN,
            [
                "RUN groupadd --gid 7 app \\",
                " && useradd --uid 5 --gid 7 --no-create-home --shell /usr/sbin/nologin app",
            ],
        ),
        (BaseFamily.SCRATCH, []),
        (BaseFamily.DISTROLESS, []),
    ],
)
def test_how_to_make_an_account(family: BaseFamily, lines: list[str]) -> None:
    assert create_account(family, Account("app", 5, 7, exists=False)) == lines


@pytest.mark.parametrize(
    ("family", "line"),
    [
        (BaseFamily.ALPINE, "RUN adduser -D -H -u 5 -G root app"),
        (BaseFamily.REDHAT, "RUN useradd --uid 5 --gid 0 --no-create-home --shell /usr/sbin/nologin app"),
    ],
)
def test_group_0_is_there_already(family: BaseFamily, line: str) -> None:
    assert create_account(family, Account("app", 5, 0, exists=False)) == [line]


@pytest.mark.parametrize(
    ("folder", "lines"),
    [
        ("/srv/app", ["RUN chown -R 5:7 /srv/app"]),
        ("/", []),
        ("", []),
        ("/usr/src/app", []),
        ("/app; reboot", []),
        ("/app/../etc", []),
        ("relative", []),
    ],
)
def test_folders_to_give(folder: str, lines: list[str]) -> None:
    account = Account("app", 5, 7, exists=False)
    assert give_folders(facts("", working_dir=folder), BaseFamily.DEBIAN, account) == lines


@pytest.mark.parametrize(
    ("name", "safe"), [("app", "app"), ("a b", "app"), ("$(x)", "app"), ("", "app"), ("App", "app")]
)
def test_safe_name(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_safe_path() -> None:
    assert safe_path("/srv/app-1.0_x") == "/srv/app-1.0_x"
    assert safe_path("/srv/`x`") is None


def test_advice_names_docker_kubernetes_and_compose() -> None:
    advice = run_as_account(facts("", DEBIAN.passwd), "It runs as root.", Account("app", 5, 7, exists=False))
    assert "The base looks like Debian or Ubuntu." in advice
    assert "USER 5:7" in advice
    assert "runAsUser: 5\n  runAsGroup: 7" in advice
    assert 'user: "5:7"' in advice
    assert advice.count("```") % 2 == 0


def test_own_group() -> None:
    assert own_group(9000, None) == 9000
