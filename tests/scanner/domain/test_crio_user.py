from __future__ import annotations

import pytest

from scanner.domain.identity import AccountBytes, Identity, Runtime, StartError, resolve

FILES = AccountBytes(b"root:x:0:0::/root:\napp:x:7:8::/home/app:\n", b"g:x:9:app\n")


@pytest.mark.parametrize(
    ("user", "wanted"),
    [("app:nosuch", (7, 8, (9,))), ("7:0", (7, 8, (9,))), ("9999:9999", (9999, 0, ())), (":5", (0, 0, ()))],
)
def test_kubelet_drops_the_group(user: str, wanted: tuple[int, int, tuple[int, ...]]) -> None:
    answer = resolve(Runtime.CRIO, user, FILES).answer
    assert isinstance(answer, Identity)
    assert (answer.uid, answer.gid, answer.groups) == wanted


@pytest.mark.parametrize(
    ("home", "refused"), [(r"/a\nb", True), ("/a\nb", False), (r"/a\tb", False), ("/a", False), ("", False)]
)
def test_it_looks_for_a_backslash_and_an_n(home: str, refused: bool) -> None:
    answer = resolve(Runtime.CRIO, "app", FILES, [f"HOME={home}"]).answer
    assert (answer == StartError("invalid HOME environment; newline not allowed")) is refused


def test_the_steps_say_what_was_added() -> None:
    steps = resolve(Runtime.CRIO, "9999", FILES, (), "/work").steps
    assert any("CRI-O adds one: 9999:x:9999:0:9999 user:/work:/sbin/nologin" in step.text for step in steps)
