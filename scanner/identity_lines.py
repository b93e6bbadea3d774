"""``python -m scanner identity --jsonl``: one JSON line in, one JSON line out.

::

    {"user": "app", "passwd": "app:x:1001:1001::/app:/bin/sh\\n", "group": null}
    {"uid": 1001, "gid": 1001, "groups": [], "home": "/app"}

Account files are bytes; a byte that is not UTF-8 travels as the escape ``\\udc80`` … ``\\udcff`` that Python's
``surrogateescape`` makes of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from scanner.domain.accounts import encode
from scanner.domain.identity import AccountBytes, Identity, Runtime, StartError, process_groups, resolve

_LONGEST_LINE = 64 * 1024 * 1024


class BadLine(ValueError):
    """The line is not an object with a ``user`` and the two account files."""


@dataclass(frozen=True, slots=True)
class _Question:
    user: str
    accounts: AccountBytes
    env: tuple[str, ...]
    working_dir: str


def identity_line(line: str, runtime: Runtime) -> str:
    """Answer one line; the answer has no newline.

    ``env``, a list of ``NAME=value``, and ``working_dir`` may stand beside ``user``. ``groups`` are the supplementary
    gids the process has besides its primary one, ascending.

    :raises BadLine: where the line is not a question.
    """
    question = _read(line)
    answer = resolve(runtime, question.user, question.accounts, question.env, question.working_dir).answer
    return json.dumps(_as_json(answer))


def _as_json(answer: Identity | StartError) -> dict[str, object]:
    if isinstance(answer, StartError):
        return {"error": answer.message}
    return {"uid": answer.uid, "gid": answer.gid, "groups": list(process_groups(answer)), "home": answer.home}


def _read(line: str) -> _Question:
    if len(line) > _LONGEST_LINE:
        raise BadLine(f"a line of more than {_LONGEST_LINE} characters")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise BadLine("not JSON") from None
    if not isinstance(value, dict) or not isinstance(value.get("user", ""), str):
        raise BadLine('not an object with a string "user"')
    env = value.get("env") or []
    if not isinstance(env, list) or not all(isinstance(item, str) for item in env):
        raise BadLine('"env" is not a list of strings')
    working_dir = value.get("working_dir", "")
    if not isinstance(working_dir, str):
        raise BadLine('"working_dir" is not a string')
    accounts = AccountBytes(_file(value, "passwd"), _file(value, "group"))
    return _Question(value.get("user", ""), accounts, tuple(env), working_dir)


def _file(value: dict[str, object], name: str) -> bytes | None:
    text = value.get(name)
    if text is None:
        return None
    if not isinstance(text, str):
        raise BadLine(f'"{name}" is neither a string nor null')
    return encode(text)
