"""Targets that read lines of text: accounts and users, headers, references, sudoers, capabilities."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from scanner.domain.accounts import AccountBytes, decode, group_entries, passwd_entries
from scanner.domain.capabilities import CAPABILITIES, DOCKER_DEFAULT, NO_CAPABILITIES
from scanner.domain.capabilities import decode as decode_capability
from scanner.domain.identity import Identity, Runtime, resolve
from scanner.domain.limits import Limits
from scanner.domain.problems import Refused
from scanner.domain.reading import read
from scanner.domain.reference import InvalidReference, parse_reference
from scanner.domain.resolution import resolve_facts
from scanner.domain.sudoers import parse_sudoers
from scanner.domain.user_spec import go_text
from scanner.domain.verdict import Verdict
from scanner.judge import judge
from scanner.policies import POLICIES
from scanner.sources.registry.addresses import InvalidRegistryUrl, Target, parse_target
from scanner.sources.registry.auth import acceptable_scopes
from scanner.sources.registry.challenge import parse_challenges
from scanner.sources.registry.paging import Page, names_of_all_pages, next_page
from tests.support.clean import clean

_SEPARATOR = b"\x1e"
_BASE = parse_target("https://registry.example:5000/v2/_catalog?n=100")
_LIMITS = Limits(pages=12, tags=200)
_BITS = {name: bit for bit, name in enumerate(CAPABILITIES)}


def identity(data: bytes) -> None:
    """Whoever is root in one answer is root in all, and no image that Docker starts as root passes."""
    raw = (*data.split(_SEPARATOR), b"", b"", b"")
    user, passwd, group = go_text(raw[0].decode("utf-8", "replace")), raw[1], raw[2]
    accounts = AccountBytes(passwd, group)
    for runtime in Runtime:
        answer = resolve(runtime, user, accounts, ("HOME=" + decode(raw[3]).replace("\0", ""),), "/srv").answer
        if isinstance(answer, Identity):
            assert all(0 <= number < 1 << 32 for number in (answer.uid, answer.gid, *answer.groups))
        else:
            assert answer.message
    made = clean(user)
    known = replace(
        made,
        passwd=replace(made.passwd, content=passwd),
        group=replace(made.group, content=group),
    )
    docker = resolve_facts(Runtime.DOCKER, known).answer
    assert docker == resolve(Runtime.DOCKER, user, accounts, made.config.env, made.config.working_dir).answer
    root = isinstance(docker, Identity) and docker.uid == 0
    if root:
        assert read(known).is_root
        assert all(judge(known, policy).verdict is not Verdict.PASS for policy in POLICIES)


def accounts(data: bytes) -> None:
    """Every line is read once, in order, and shown without loss."""
    found = list(passwd_entries(data))
    assert [entry.line for entry in found] == sorted({entry.line for entry in found})
    assert all(entry.text.encode("utf-8", "surrogateescape") in data for entry in found)
    assert all(entry.text.encode("utf-8", "surrogateescape") in data for entry in group_entries(data))


def challenge(data: bytes) -> None:
    """A challenge says no more than its header, and a realm names one host to every reader."""
    header = data.decode("latin-1")
    for found in parse_challenges([header]):
        assert found.scheme
        assert found.scheme == found.scheme.lower()
        assert sum(map(len, found.parameters.values())) <= len(header)
        acceptable_scopes(found.parameters.get("scope", ""))
        _same_host(found.parameters.get("realm", ""))


def _same_host(url: str) -> None:
    try:
        target = parse_target(url)
    except InvalidRegistryUrl:
        return
    again = urlsplit(str(target))
    assert (again.scheme, again.hostname) == (target.origin.scheme, target.origin.host)
    assert (again.username, again.password, again.fragment) == (None, None, "")
    assert parse_target(str(target)) == target


def link(data: bytes) -> None:
    """A listing ends, gives every name once, and stays where it began."""
    headers = data.decode("latin-1").split("\x1e")

    def fetch(target: Target) -> Page:
        assert target.origin == _BASE.origin
        number = fetched.setdefault(target.path, len(fetched)) + 1
        return Page([f"t{number}", "t0"], next_page(target, headers[number % len(headers) :][:1]))

    fetched: dict[str, int] = {}
    try:
        names = list(names_of_all_pages(fetch(_BASE), fetch, "tags", _LIMITS))
    except Refused:
        return
    assert len(names) == len(set(names)) <= _LIMITS.tags


def reference(data: bytes) -> None:
    """A reference reads as it is written."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        found = parse_reference(text)
    except InvalidReference:
        return
    assert parse_reference(str(found)) == found
    assert str(found) in (text, f"{text}:latest")
    assert text.isascii()
    assert urlsplit(f"https://{found.registry}/").netloc == found.registry


def sudoers(data: bytes) -> None:
    """What is read stands in the file; a plain line that lifts the password is found wherever a line may begin."""
    lines = data.count(b"\n") + 1
    found = parse_sudoers(data)
    numbers = [entry.line for entry in found.entries]
    assert numbers == sorted(numbers)
    assert all(1 <= number <= lines for number in (*numbers, *found.doubtful))
    plain = parse_sudoers(b"app ALL=(ALL) NOPASSWD: ALL\n" + data)
    assert plain.entries[0] in parse_sudoers(b"app ALL=(ALL) NOPASSWD: ALL\n").entries
    assert len(plain.entries) == len(found.entries) + 1


def capability(data: bytes) -> None:
    """What is decoded has the bits of the attribute, and what it says can be read by people."""
    found = decode_capability(data)
    assert found.text.isascii()
    assert found.text.isprintable()
    found.stops_exec(DOCKER_DEFAULT)
    if found.effective and set(found.permitted) & set(CAPABILITIES):
        assert found.stops_exec(NO_CAPABILITIES)
    if not found.problem:
        wide = found.revision > 1
        low, high = struct.unpack_from("<I", data, 4)[0], struct.unpack_from("<I", data, 12)[0] if wide else 0
        bits = [_BITS.get(name, int(name[4:]) if name[4:].isdigit() else -1) for name in found.permitted]
        assert sum(1 << bit for bit in bits) == low | high << 32


def identity_seeds() -> Iterator[bytes]:
    """USER, passwd and group that readers read differently."""
    passwd = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"
    group = b"root:x:0:\napp:x:1000:web\nweb:x:33:app,root\n"
    odd = b"#app:x:uid:gid\n+::::::\napp:x: 1000:1000::\n0:x:7:7::/:\n1000:x:0:0::/:\n\xc2\xa0app:x:4294967296:1:::\n"
    for user in (
        b"",
        b"app",
        b"0",
        b"1000",
        b"app:web",
        b":1000",
        b"00",
        b"-0",
        b"+1",
        b"4294967296",
        b"#app",
        b"root:0",
    ):
        yield _SEPARATOR.join((user, passwd, group, b"/home/x"))
        yield _SEPARATOR.join((user, odd + passwd, odd + group))
    yield b"9223372036854775808:-1"


def accounts_seeds() -> Iterator[bytes]:
    """Lines of every shape."""
    yield from (seed.split(_SEPARATOR)[1] for seed in list(identity_seeds())[:2])
    yield b"a\r\n\r\n # x\n:::::::::\n\n\n+@net\n-x\n\xff\xfe:\xe2\x80\x83:1:2"


def challenge_seeds() -> Iterator[bytes]:
    """One, several, and odd ones."""
    yield b'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:team/shop:pull"'
    yield b'Basic realm="x", Bearer realm="https://[::1]:5000/t?a=b", scope="registry:catalog:*"'
    yield b'Bearer realm=https://a.example/ , , error="invalid\\"token", Negotiate abc=='
    yield b'Bearer realm="http://user:pw@169.254.169.254\\\\@x/#f"'


def link_seeds() -> Iterator[bytes]:
    """Pages that follow each other, circle, or leave."""
    yield b'</v2/_catalog?last=a&n=100>; rel="next"\x1e</v2/_catalog?last=b>; rel=next\x1e'
    yield b'<https://evil.example/v2/>; rel="next"'
    yield b'<?last=a>; rel="prev next"; title="x, <y>; rel=next", </v2/x>;rel=NEXT'
    yield b"</v2/_catalog?n=100>; rel=next"


def reference_seeds() -> Iterator[bytes]:
    """With and without its parts."""
    yield from (b"registry.example/team/shop:1.4", b"localhost:5000/a", b"[::1]:5000/a__b/c-d@sha256:" + b"0" * 64)
    yield b"r/a:t@sha512:" + b"f" * 128


def sudoers_seeds() -> Iterator[bytes]:
    """Everything the grammar has."""
    yield b"app ALL=(ALL:ALL) NOPASSWD: ALL\n%wheel ALL = PASSWD: /bin/ls, NOPASSWD: !/bin/sh, sudoedit /etc/x\n"
    yield b"Defaults:app !authenticate\nDefaults exempt_group = wheel, env_reset\nDefaults@h x\n@includedir /etc/s\n"
    yield b'User_Alias A = app, %#1000, !#0 : B = "odd name"\nA ALL=(root) CWD=/x TIMEOUT=1h NOPASSWD: \\\n /bin/x\n'
    yield b"#include /x\n#1000 ALL=NOPASSWD:ALL # comment\nCmnd_Alias C = sha224:abc /bin/ls\nHost_Alias H=1.2.3.0/24\n"


def capability_seeds() -> Iterator[bytes]:
    """Every revision, and broken ones."""
    yield struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)
    yield struct.pack("<IIIIII", 0x03000001, 1 << 13, 1 << 13, 1 << 31, 0, 100_000)
    yield struct.pack("<III", 0x01000000, 0xFFFFFFFF, 0)
    yield b"\1\0\0\4"
