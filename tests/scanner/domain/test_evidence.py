from __future__ import annotations

import pytest

from scanner.domain.evidence import account_line, declared, layer_at
from scanner.domain.reading import accounts
from tests.support.facts import digest, facts, remapped


@pytest.mark.parametrize(
    ("history", "instruction"),
    [
        ([], None),
        (["RUN useradd app"], None),
        (["USER app"], "USER app"),
        (["/bin/sh -c #(nop)  USER 5", "CMD x", "/bin/sh -c #(nop)  USER app"], "/bin/sh -c #(nop)  USER app"),
        (["RUN echo USER app"], None),
        (["USER a\x1b[31m"], "USER a\\x1b[31m"),
    ],
)
def test_the_instruction_that_set_it(history: list[str], instruction: str | None) -> None:
    assert declared(facts("app", history=history))["instruction"] == instruction


def test_a_line_has_its_layer() -> None:
    image = remapped()
    entry = list(accounts(image.passwd))[1]
    assert account_line(image, image.passwd, entry) == {
        "layer": digest(102),
        "layer_number": 3,
        "created_by": "/bin/sh -c sed -i -e 's/1001/0/g' /etc/passwd",
        "path": "/etc/passwd",
        "line": 2,
        "text": "app:x:0:0::/home/app:/bin/sh",
    }


@pytest.mark.parametrize("position", [None, -1, 3])
def test_a_layer_that_is_not_there(position: int | None) -> None:
    assert layer_at(remapped(), position) is None
