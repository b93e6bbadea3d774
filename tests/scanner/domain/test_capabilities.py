from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.capabilities import CAPABILITIES, DOCKER_DEFAULT, NO_CAPABILITIES, FileCapability, decode

# What ``setcap cap_net_bind_service=+ep`` stores.
BIND = bytes.fromhex("0100000200040000000000000000000000000000")


def raw(permitted: int, inheritable: int = 0, *, revision: int = 2, effective: bool = True, rootid: int = 0) -> bytes:
    words = [(revision << 24) | effective, permitted & 0xFFFFFFFF, inheritable & 0xFFFFFFFF]
    words += [permitted >> 32, inheritable >> 32] if revision > 1 else []
    return struct.pack(f"<{len(words)}I", *words) + (struct.pack("<I", rootid) if revision == 3 else b"")


def test_as_setcap_stores_it() -> None:
    assert decode(BIND) == FileCapability(2, ("cap_net_bind_service",), (), effective=True)
    assert decode(BIND).text == "cap_net_bind_service=ep"


@pytest.mark.parametrize(
    ("attribute", "text"),
    [
        (raw(1 << 13, effective=False), "cap_net_raw=p"),
        (raw(1 << 13), "cap_net_raw=ep"),
        (raw(0, 1 << 13), "cap_net_raw=ei"),
        (raw(0, 1 << 13, effective=False), "cap_net_raw=i"),
        (raw(1 << 13, 1 << 13), "cap_net_raw=eip"),
        (raw(1 | 1 << 40), "cap_chown,cap_checkpoint_restore=ep"),
        (raw(1, 2), "cap_chown=ep cap_dac_override=ei"),
        (raw(1 << 12, revision=1), "cap_net_admin=ep"),
        (raw(1 << 41), "cap_41=ep"),
        (raw(0), "="),
    ],
)
def test_text(attribute: bytes, text: str) -> None:
    assert decode(attribute).text == text


def test_revision_3_has_the_root_of_its_namespace() -> None:
    assert decode(raw(1 << 10, revision=3, rootid=100_000)).rootid == 100_000


@pytest.mark.parametrize(
    ("attribute", "problem"),
    [
        (b"", "has 0 bytes, which is too short for a revision"),
        (b"\x01\x00\x00", "has 3 bytes, which is too short for a revision"),
        (BIND[:-1], "has 19 bytes, where revision 2 has 20"),
        (BIND + b"\0", "has 21 bytes, where revision 2 has 20"),
        (raw(1, revision=3)[:20], "has 20 bytes, where revision 3 has 24"),
        (raw(1, revision=1) + b"\0" * 8, "has 20 bytes, where revision 1 has 12"),
        (raw(1, revision=4), "is of revision 4, which no kernel knows"),
        (b"\0" * 20, "is of revision 0, which no kernel knows"),
    ],
)
def test_malformed(attribute: bytes, problem: str) -> None:
    found = decode(attribute)
    assert found.problem == problem
    assert found.text == f"malformed: {problem}"
    assert not found.stops_exec(NO_CAPABILITIES)


@pytest.mark.parametrize(
    ("attribute", "under_drop_all", "under_docker"),
    [
        (BIND, True, False),
        (raw(1 << 10, effective=False), False, False),
        (raw(0, 1 << 10), False, False),
        (raw(1 << 12), True, True),
        (raw(1 << 10 | 1 << 12), True, True),
        (raw(1 << 41), False, False),
    ],
)
def test_the_effective_bit_stops_exec(attribute: bytes, under_drop_all: bool, under_docker: bool) -> None:
    found = decode(attribute)
    assert found.stops_exec(NO_CAPABILITIES) is under_drop_all
    assert found.stops_exec(DOCKER_DEFAULT) is under_docker


def test_bits_of_well_known_capabilities() -> None:
    bits = {name: CAPABILITIES.index(name) for name in ("cap_net_bind_service", "cap_sys_admin", "cap_setfcap")}
    assert bits == {"cap_net_bind_service": 10, "cap_sys_admin": 21, "cap_setfcap": 31}
    assert len(CAPABILITIES) == 41
    assert len(DOCKER_DEFAULT) == 14
    assert set(CAPABILITIES) >= DOCKER_DEFAULT


@given(st.binary(max_size=40))
def test_never_fails_and_says_one_of_two_things(attribute: bytes) -> None:
    found = decode(attribute)
    assert not (found.problem and (found.permitted or found.inheritable or found.effective))


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.booleans(), st.sampled_from((2, 3)))
def test_reads_what_was_written(permitted: int, inheritable: int, effective: bool, revision: int) -> None:
    found = decode(raw(permitted, inheritable, revision=revision, effective=effective))
    assert len(found.permitted) == permitted.bit_count()
    assert len(found.inheritable) == inheritable.bit_count()
    assert found.effective is effective
