from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from compliance.views.slow_bodies import BodyTooSlow, Readings

SOON, LATER = 0.1, 30.0
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pairs() -> Iterator[tuple[Pair, Pair]]:
    """Twice a server's end and a sender's."""
    ends = *socket.socketpair(), *socket.socketpair()
    for end in ends:
        end.settimeout(60)
    yield ends[:2], ends[2:]
    for end in ends:
        end.close()


@pytest.fixture
def pair(pairs: tuple[Pair, Pair]) -> Pair:
    return pairs[0]


def test_reads_that_would_wait_for_ever_end(pairs: tuple[Pair, Pair]) -> None:
    readings = Readings()
    for server, sender in pairs:  # one after the other, by the same thread
        began = time.monotonic()
        with readings.within(SOON, server) as reading:
            assert (server.recv(1), reading.is_late) == (b"", True)
        assert time.monotonic() - began < 30
        server.sendall(b"an answer")
        assert sender.recv(100) == b"an answer"


def test_whatever_a_late_read_comes_to_says_that_it_was_late(pair: Pair) -> None:
    def read() -> None:
        with Readings().within(SOON, pair[0]):
            raise EOFError(pair[0].recv(1))

    with pytest.raises(BodyTooSlow):
        read()


def test_what_fails_in_time_fails_as_it_did(pair: Pair) -> None:
    with pytest.raises(EOFError), Readings().within(LATER, pair[0]):
        raise EOFError


def test_a_socket_whose_body_was_read_is_left_alone(pairs: tuple[Pair, Pair]) -> None:
    readings, ((server, sender), (other, _)) = Readings(), pairs
    with readings.within(SOON, server):
        pass
    with readings.within(SOON * 2, other):
        assert other.recv(1) == b""  # so the thread has been there
    sender.sendall(b"the next request")
    assert server.recv(100) == b"the next request"


def test_a_socket_that_is_closed_already_does_not_end_the_thread(pairs: tuple[Pair, Pair]) -> None:
    readings, ((server, _), (gone, _)) = Readings(), pairs
    with readings.within(SOON, gone), readings.within(SOON * 2, server):
        gone.close()
        assert server.recv(1) == b""


def test_without_a_socket_it_is_told_between_two_pieces() -> None:
    with Readings().within(LATER, None) as reading:
        reading.go_on()
        reading.ends -= LATER
        with pytest.raises(BodyTooSlow):
            reading.go_on()
