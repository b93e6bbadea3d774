from __future__ import annotations

import socket
from pathlib import Path

import pytest

from compliance.localstack import ports
from compliance.localstack.ports import free_port


def test_it_can_be_listened_on_and_is_none_that_the_system_hands_out() -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert port < lowest or lowest <= 10_000


def test_one_that_is_taken_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken, free = other.getsockname()[1], free_port()
        asked = iter([taken, taken, free])
        monkeypatch.setattr(ports, "_LOWEST", 0)
        monkeypatch.setattr("compliance.localstack.ports.secrets.randbelow", lambda _: next(asked))
        assert free_port() == free


@pytest.mark.parametrize("said", ["1024\t65535\n", "", "nonsense"])
def test_where_all_are_handed_out_or_nobody_says_which(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "range").write_text(said)
    monkeypatch.setattr(ports, "_HANDED_OUT", tmp_path / "range")
    assert free_port() > 0
