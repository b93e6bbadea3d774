"""How long a peer may take, told by a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpcore2
import pytest

from scanner.domain.limits import DEFAULT_LIMITS, KIB, MIB, Limits
from scanner.sources.registry.clock import Clock


class Peer:
    """Takes ``seconds`` for each chunk of ``size`` bytes, or times out as a socket does."""

    def __init__(self, seconds: float, size: int) -> None:
        self.time = 1_000.0
        self.seconds = seconds
        self.size = size

    def now(self) -> float:
        return self.time

    def receive(self, most: int, allowed: float) -> bytes:
        self.time += min(self.seconds, allowed)
        if self.seconds > allowed:
            raise httpcore2.ReadTimeout
        return bytes(min(most, self.size))


def _clock(peer: Peer, limits: Limits = DEFAULT_LIMITS) -> Clock:
    clock = Clock(limits, peer.now)
    clock.body_begins()
    return clock


def _given_up(clock: Clock, peer: Peer, between: Callable[[], None] = lambda: None) -> tuple[str, float]:
    """The limit that ended it, and when."""
    begun = peer.time

    def read_on() -> None:
        while True:
            clock.timed(peer.receive, 64 * KIB)
            between()

    with pytest.raises(httpcore2.ReadTimeout):
        read_on()
    return clock.bound, peer.time - begun


def test_headers_have_one_time_together() -> None:
    peer = Peer(seconds=1.0, size=1)
    assert _given_up(Clock(DEFAULT_LIMITS, peer.now), peer) == ("first_byte_seconds", 15.0)


def test_silence_ends_a_body() -> None:
    peer = Peer(seconds=31.0, size=MIB)
    assert _given_up(_clock(peer), peer) == ("idle_seconds", 30.0)


@pytest.mark.parametrize("size", [1, KIB, 16 * KIB - 1])
def test_a_body_that_drips_is_given_up_after_a_minute(size: int) -> None:
    peer = Peer(seconds=1.0, size=size)
    assert _given_up(_clock(peer), peer) == ("floor_bytes_per_second", 60.0)


def test_a_body_that_begins_fast_may_not_drip_later() -> None:
    peer = Peer(seconds=1.0, size=64 * KIB)
    clock = _clock(peer)
    for _ in range(90):
        clock.timed(peer.receive, 64 * KIB)
    peer.size = 1
    # Half of the minute under way was fast enough for the whole of it; the next one is not.
    assert _given_up(clock, peer) == ("floor_bytes_per_second", 90.0)


def test_a_known_size_has_a_minute_and_its_share() -> None:
    peer = Peer(seconds=1.0, size=20 * KIB)
    clock = _clock(peer)
    clock.expect(25 * MIB)
    assert _given_up(clock, peer) == ("body_bytes_per_second", 60.0 + 100.0)


def test_no_body_takes_longer_than_the_longest() -> None:
    peer = Peer(seconds=1.0, size=20 * KIB)
    clock = _clock(peer)
    clock.expect(5 * 1024 * MIB)
    assert _given_up(clock, peer) == ("body_seconds", 1_800.0)


def test_what_we_take_to_unpack_is_not_held_against_the_peer() -> None:
    peer = Peer(seconds=0.001, size=100)

    def unpack() -> None:
        peer.time += 10.0

    clock = _clock(peer)
    clock.expect(MIB)
    bound, seconds = _given_up(clock, peer, unpack)
    assert (bound, round(seconds)) == ("body_seconds", 1_800)


def test_a_slow_line_can_be_allowed() -> None:
    peer = Peer(seconds=1.0, size=8 * KIB)
    clock = _clock(peer, replace(DEFAULT_LIMITS, floor_bytes_per_second=4 * KIB))
    for _ in range(300):
        clock.timed(peer.receive, 64 * KIB)
    assert peer.time == 1_300.0
