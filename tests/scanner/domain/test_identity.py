from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.identity import (
    AccountBytes,
    Gid,
    Identity,
    Runtime,
    StartError,
    Uid,
    process_groups,
    resolve,
    will_not_start,
)

PASSWD = b"root:x:0:0:root:/root:/bin/sh\n" * 26 + b"app:x:0:0:App:/app:/bin/sh\n"
NOTHING = AccountBytes(None, None)

users = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"[+-]?[0-9]{1,22}(:[+-]?[0-9a-z]{0,12})?", fullmatch=True),
    st.sampled_from(["", ":", "app", "app:g", "0", "-0", "app:", ":g"]),
)
field = st.sampled_from(["", "0", "1000", "-1", " 7", "x", "4294967296", "99999999999999999999", "2147483648", "+5"])
names = st.sampled_from(["app", "root", "#app", "1000", "", " app", "é"])
passwd_lines = st.builds(lambda name, uid, gid: f"{name}:x:{uid}:{gid}::/home:/sh", names, field, field)
group_lines = st.builds(lambda name, gid, members: f"{name}:x:{gid}:{','.join(members)}", names, field, st.lists(names))
files = st.builds(lambda lines: "\n".join(lines).encode(), st.lists(passwd_lines, max_size=6))
groups = st.builds(lambda lines: "\n".join(lines).encode(), st.lists(group_lines, max_size=6))
account_files = st.builds(AccountBytes, st.none() | files | st.binary(), st.none() | groups | st.binary())


@given(st.sampled_from(Runtime), users, account_files, st.lists(st.text(max_size=8), max_size=3))
def test_every_input_has_an_answer_with_steps(
    runtime: Runtime, user: str, accounts: AccountBytes, env: list[str]
) -> None:
    found = resolve(runtime, user, accounts, env)
    assert found.steps
    if isinstance(found.answer, Identity):
        assert all(0 <= number < 2**32 for number in (found.answer.uid, found.answer.gid, *found.answer.groups))
    else:
        assert found.answer.message


@given(st.sampled_from(Runtime), st.from_regex(r"[+-]?0{1,30}(:[0-9]{1,5})?", fullmatch=True), account_files)
def test_zero_in_any_spelling_is_root_or_nothing(runtime: Runtime, user: str, accounts: AccountBytes) -> None:
    answer = resolve(runtime, user, accounts).answer
    assert isinstance(answer, StartError) or answer.uid == 0


@given(st.sampled_from(Runtime), st.integers(1, 2**31 - 1), account_files)
def test_a_number_is_that_uid_whatever_the_files_say(runtime: Runtime, uid: int, accounts: AccountBytes) -> None:
    answer = resolve(runtime, str(uid), accounts).answer
    assert isinstance(answer, StartError) or answer.uid == uid


@given(users, account_files)
def test_an_explicit_group_leaves_no_supplementary_groups_on_docker(user: str, accounts: AccountBytes) -> None:
    answer = resolve(Runtime.DOCKER, f"{user.split(':')[0]}:7", accounts).answer
    assert isinstance(answer, StartError) or (answer.gid, answer.groups) == (7, ())


@given(users, account_files, st.text(st.characters(exclude_characters=":"), min_size=1, max_size=5))
def test_kubernetes_never_sees_the_group(user: str, accounts: AccountBytes, group: str) -> None:
    half = user.split(":")[0]
    with_group = resolve(Runtime.KUBERNETES, f"{half}:{group}", accounts).answer
    assert with_group == resolve(Runtime.KUBERNETES, half, accounts).answer


def test_the_steps_name_the_line_that_decided() -> None:
    found = resolve(Runtime.DOCKER, "app", AccountBytes(PASSWD, None))
    looked_up, decided = found.steps[:2]
    assert looked_up.text == '"app" is not a number, so it is looked up by name in /etc/passwd'
    assert (decided.path, decided.line, decided.quote) == ("/etc/passwd", 27, "app:x:0:0:App:/app:/bin/sh")
    assert "uid 0" in decided.text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"app:x: 1000:1:::", 'its uid field " 1000" is not a number, which counts as 0'),
        (b"app:x::1:::", 'its uid field "" is not a number, which counts as 0'),
        (b"app", "it has no uid field, which counts as 0"),
        (b"app:x:4294967296:1:::", "its uid 4294967296 does not fit into 32 bits"),
        (b"app:x:7:-1:::", "its gid -1 does not fit into 32 bits"),
    ],
)
def test_the_steps_say_what_a_field_hides(line: bytes, said: str) -> None:
    steps = resolve(Runtime.DOCKER, "app", AccountBytes(line, None)).steps
    assert any(said in step.text for step in steps)


def test_a_quoted_line_is_bounded() -> None:
    line = b"app:x:1:1:" + b"c" * 60_000 + b":/:"
    quotes = [step.quote for step in resolve(Runtime.DOCKER, "app", AccountBytes(line, None)).steps if step.quote]
    assert quotes
    assert all(len(quote) <= 201 for quote in quotes)


HOMES = [
    ([], b"app:x:7:7::/home/app:\n", "/home/app"),
    (["HOME=/data"], b"app:x:7:7::/home/app:\n", "/data"),
    (["HOME="], b"app:x:7:7::/home/app:\n", "/home/app"),
    (["HOME=/a", "HOME=/b"], b"app:x:7:7::/home/app:\n", "/b"),
    (["XHOME=/a"], b"first:x:7:7::/first:\napp:x:7:7::/home/app:\n", "/first"),
    ([], b"app:x:7:7:::\n", ""),
    ([], b"app:x:4294967303:7::/far:\n", "/"),
]


@pytest.mark.parametrize("runtime", [Runtime.DOCKER, Runtime.DOCKER_LEGACY, Runtime.KUBERNETES])
@pytest.mark.parametrize(("env", "passwd", "home"), HOMES)
def test_home(runtime: Runtime, env: list[str], passwd: bytes, home: str) -> None:
    answer = resolve(runtime, "app", AccountBytes(passwd, None), env).answer
    assert isinstance(answer, Identity)
    assert (answer.uid, answer.home) == (7, home)


def test_home_without_a_line_is_the_root_folder() -> None:
    answer = resolve(Runtime.DOCKER, "9999", NOTHING).answer
    assert answer == Identity(Uid(9999), Gid(0), (), "/")


@pytest.mark.parametrize(
    ("uid", "gid", "groups", "words"),
    [
        (2**32 - 1, 5, (), "cannot setuid to unmapped uid 4294967295 in user namespace"),
        (5, 2**32 - 1, (), "setgroups: invalid argument"),
        (5, 5, (2**32 - 1,), "setgroups: invalid argument"),
        (5, 5, tuple(range(65_536)), "setgroups: invalid argument"),
        (2**32 - 2, 5, tuple(range(65_535)), None),
        (0, 0, (), None),
    ],
)
def test_minus_one_does_not_start(uid: int, gid: int, groups: tuple[int, ...], words: str | None) -> None:
    refusal = will_not_start(Identity(Uid(uid), Gid(gid), tuple(Gid(group) for group in groups)))
    assert (refusal.message if refusal else None) == words


def test_a_process_has_each_group_once_and_its_primary_one_apart() -> None:
    identity = Identity(Uid(1), Gid(1000), (Gid(10), Gid(10), Gid(1000), Gid(5)))
    assert process_groups(identity) == (5, 10)


# Measured with Docker 20.10 and runc 1.1.5.
LEGACY = [
    ("1001:1001", b"", b"1001:x:0:\n", (1001, 1001, (0,))),
    ("1001:1001", b"", b"real:x:1001:\n1001:x:0:\n", (1001, 1001, ())),
    ("app", b"app:x:5:50:::\n", b"50:x:60:app\n", (5, 50, (60,))),
    ("big", b"big:x:2147483648:7:::\n", b"", (2147483648, 7, ())),
]


@pytest.mark.parametrize(("user", "passwd", "group", "wanted"), LEGACY)
def test_old_runc_takes_gids_for_names(
    user: str, passwd: bytes, group: bytes, wanted: tuple[int, int, tuple[int, ...]]
) -> None:
    answer = resolve(Runtime.DOCKER_LEGACY, user, AccountBytes(passwd, group)).answer
    assert isinstance(answer, Identity)
    assert (answer.uid, answer.gid, answer.groups) == wanted


@pytest.mark.parametrize(
    ("passwd", "group", "words"),
    [
        (b"app:x:-1:5:::\n", b"", "unable to setup user: uids and gids must be in range 0-2147483647"),
        (b"app:x:4294967295:5:::\n", b"", "unable to setup user: invalid argument"),
        (b"app:x:5:5:::\n", b"g:x:4294967295:app\n", "unable to setup user: setgroups: invalid argument"),
        (b"app:x:5:5:::\n", b"g:x:-1:app\n", "unable to setup user: uids and gids must be in range 0-2147483647"),
        (b"app:x:5:-1:::\n", b"", "unable to setup user: uids and gids must be in range 0-2147483647"),
    ],
)
def test_old_runc_checks_the_ids_again(passwd: bytes, group: bytes, words: str) -> None:
    assert resolve(Runtime.DOCKER_LEGACY, "app", AccountBytes(passwd, group)).answer == StartError(words)


def test_group_lines_are_bounded_since_0_4_1() -> None:
    files = AccountBytes(b"app:x:5:5:::\n", b"g:x:9:" + b"z" * 2**20 + b",app\n")
    legacy = resolve(Runtime.DOCKER_LEGACY, "app", files).answer
    assert isinstance(legacy, Identity)
    assert legacy.groups == (9,)
    words = "unable to find groups for spec app: bufio.Scanner: token too long"
    assert resolve(Runtime.DOCKER, "app", files).answer == StartError(words)


def test_kubernetes_skips_a_group_with_the_name_of_the_user() -> None:
    files = AccountBytes(b"app:x:5:5:::\n", b"app:x:9:app\nweb:x:8:app\n")
    kubernetes, docker = (resolve(runtime, "app", files).answer for runtime in (Runtime.KUBERNETES, Runtime.DOCKER))
    assert isinstance(kubernetes, Identity)
    assert isinstance(docker, Identity)
    assert (kubernetes.groups, docker.groups) == ((8,), (9, 8))
