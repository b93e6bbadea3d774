from __future__ import annotations

import pytest

from scanner.domain.derivation import Trail
from scanner.domain.kubelet_user import image_user, what_kubelet_sends


@pytest.mark.parametrize(
    ("user", "found", "sent"),
    [
        ("", 0, "0"),
        (":1000", 0, "0"),
        ("+0", 0, "0"),
        ("01000:7", 1000, "1000"),
        ("-1", -1, "-1"),
        ("app:app", "app", "app"),
        ("99999999999999999999", "99999999999999999999", "99999999999999999999"),
    ],
)
def test_what_is_sent(user: str, found: int | str, sent: str) -> None:
    assert image_user(user) == found
    assert what_kubelet_sends(user, Trail()) == sent


@pytest.mark.parametrize(
    ("user", "said"), [("7:8", 'the group "8" is dropped'), (":", "kubelet sends uid 0"), ("7:", "")]
)
def test_what_is_said(user: str, said: str) -> None:
    trail = Trail()
    what_kubelet_sends(user, trail)
    assert [step for step in trail.steps if said in step.text] == trail.steps
    assert bool(trail.steps) is bool(said)
