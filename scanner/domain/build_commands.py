"""What the build ran, as far as ``history`` tells. It says how an image came about, never what it is.

::

    /bin/sh -c useradd app                                     the legacy builder, Buildah
    |2 A=x B=y /bin/sh -c useradd app                          with build arguments
    RUN /bin/bash -o pipefail -c useradd app # buildkit        BuildKit; a heredoc comes as lines
    RUN useradd app                                            kaniko; BuildKit's exec form
    /bin/sh -c #(nop)  USER app        USER app                instructions that are no RUN

Commands are found by reading the text as a shell would, without expanding anything: quotes, comments, ``&&``, ``;``,
pipes, subshells, heredocs, ``sh -c '…'``. What a script that was copied in did is not here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from scanner.domain.facts import ImageFacts, Layer
from scanner.domain.printable import printable
from scanner.domain.verdict import Evidence

Words = tuple[str, ...]
"""One simple command: its name, without a folder, and its arguments."""

_LONGEST = 64 * 1024
_ORDINARY = 8 * 1024
_MOST_TEXT = 256 * 1024
"""Characters of history that are read for one question; a Dockerfile is a hundredth of it."""

_MOST_HEREDOCS = 16
_MOST_EXECUTES = 16
_QUOTES = ('"', "'")
_DEEPEST = 3

_NOP = re.compile(r"/bin/sh -c #\(nop\)\s*")
_INSTRUCTION = re.compile(
    r"(?:ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|SHELL|STOPSIGNAL|USER|VOLUME"
    r"|WORKDIR)\b"
)
_USER = re.compile(r"(?:/bin/sh -c #\(nop\)\s*)?USER\s+(\S[^\n]*)")
_BUILDKIT = "# buildkit"
_RUN = re.compile(r"RUN\s+(?:--\w+=\S+\s+)*")
_ARGUMENTS = re.compile(r"\|(\d{1,4}) ")
# Bounded everywhere: it is searched for in text that anybody may have written.
_SHELL = re.compile(r"(?:/[\w/]{0,40}/)?(?:ba|da|a|k|z)?sh(?:\s{1,9}-\w{1,9}|\s{1,9}pipefail){0,8}?\s{1,9}-\w{0,9}c\s")

_TOKEN = re.compile(
    r"""
      (?P<blank>(?:[ \t\r\f\v]|\\\r?\n)++)
    | (?P<comment>\#[^\n]*+)
    | (?P<redirection>[0-9]*+(?:<<<|<<-?|<>|<&|>>|>&|>\||[<>]))
    | (?P<end>&&|\|\||;;|[;&|()\n`])
    | (?P<word>(?:[^\s;&|()<>"'\\`]|'[^']*+'|"(?:[^"\\]|\\.)*+"|\\.)++)
    | (?P<stray>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(r"""'([^']*+)'|"((?:[^"\\]|\\.)*+)"|\\(.)""", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\$`])')
_OPTION = re.compile(r"-|[0-9]+\Z")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
# Words that stand before a command and change nothing about what it does here.
_BEFORE = frozenset(
    (
        *("!", "{", "}", "if", "then", "elif", "else", "while", "until", "do"),
        *("exec", "command", "builtin", "time", "nohup", "sudo", "doas", "env", "nice", "ionice", "xargs"),
    )
)
_BEFORE_TAKES_ARGUMENTS = frozenset(("sudo", "doas", "env", "nice", "ionice", "xargs"))
_SHELLS = frozenset(("sh", "bash", "ash", "dash", "ksh", "zsh"))


@dataclass(frozen=True, slots=True)
class BuildStep:
    """One entry of history.

    :param position: 0 for the first.
    :param layer: the layer it made, where history and layers agree in number.
    """

    position: int
    created_by: str
    layer: Layer | None


def steps(facts: ImageFacts) -> Iterator[BuildStep]:
    """The entries of history, oldest first."""
    history = facts.config.history
    attributed = sum(1 for entry in history if not entry.empty_layer) == len(facts.layers)
    made = 0
    for position, entry in enumerate(history):
        layer = facts.layers[made] if attributed and not entry.empty_layer else None
        made += not entry.empty_layer
        yield BuildStep(position, entry.created_by, layer)


def step_evidence(facts: ImageFacts, step: BuildStep, command: str) -> Evidence:
    """Where in history a command stands, and the layer it made."""
    return {
        "pointer": f"/history/{step.position}",
        "declared": printable(command, longest=300),
        "config": facts.config_digest,
        "layer": None if step.layer is None else step.layer.digest,
        "layer_number": None if step.layer is None else step.layer.position + 1,
        "created_by": printable(step.created_by, longest=500),
    }


def declared_user(created_by: str) -> str | None:
    """What a USER instruction says; ``None`` for anything else."""
    found = _USER.match(created_by[:_ORDINARY])
    if found is None:
        return None
    said = _without_mark(found[1]).strip(" \t\r")
    return said[1:-1] if said.startswith("[") and said.endswith("]") else said


def commands_naming(facts: ImageFacts, *names: str) -> tuple[list[tuple[BuildStep, Words]], bool]:
    """Commands of the steps whose text holds one of the names, and whether all of that text was read."""
    found: list[tuple[BuildStep, Words]] = []
    left = _MOST_TEXT
    for step in steps(facts):
        text = step.created_by
        if not any(name in text for name in names):
            continue
        if len(text) > min(left, _LONGEST):
            return found, False
        left -= len(text)
        found += ((step, words) for words in commands(text))
    return found, True


def commands(created_by: str) -> tuple[Words, ...]:
    """Simple commands of a RUN, in order; nothing for other instructions."""
    return _remembered(created_by) if len(created_by) <= _ORDINARY else _commands(created_by)


@lru_cache(maxsize=512)
def _remembered(created_by: str) -> tuple[Words, ...]:
    return _commands(created_by)


def _commands(created_by: str) -> tuple[Words, ...]:
    text = _shell_text(created_by)
    if text is None:
        return ()
    return tuple(_simple_commands(text, 0))


def _shell_text(created_by: str) -> str | None:
    if _NOP.match(created_by) or _INSTRUCTION.match(created_by):
        return None
    text = _without_mark(created_by)
    run = _RUN.match(text)
    text = text[run.end() :] if run else text
    arguments = _ARGUMENTS.match(text)
    if arguments:
        # Values may hold blanks, so the shell is looked for; without one the words are counted.
        shell = _SHELL.search(text, arguments.end())
        if shell:
            return text[shell.end() :]
        return " ".join(text.split(" ")[int(arguments[1]) + 1 :])
    shell = _SHELL.match(text)
    if shell is None or (not text.startswith("/") and text[shell.end() : shell.end() + 1] in _QUOTES):
        return text  # with quotes behind it, it is a command somebody wrote
    return text[shell.end() :]


def _without_mark(text: str) -> str:
    text = text.rstrip()
    return text.removesuffix(_BUILDKIT)


def _simple_commands(text: str, depth: int) -> Iterator[Words]:
    for words, body in _split(text):
        yield from _unwrapped(words, depth)
        is_shell = not words or words[0].rpartition("/")[2] in _SHELLS
        if body and is_shell and depth < _DEEPEST:
            yield from _simple_commands(body, depth + 1)


def _unwrapped(words: list[str], depth: int) -> Iterator[Words]:
    """The command behind assignments and words like ``sudo``; those inside ``sh -c`` and ``find -exec``."""
    words = _without_prefix(words)
    if not words:
        return
    name = words[0].rpartition("/")[2]
    yield (name, *words[1:])
    if depth >= _DEEPEST:
        return
    if name in _SHELLS:
        script = _script_of(words)
        if script is not None:
            yield from _simple_commands(script, depth + 1)
    elif name == "find":
        executes = (at for at, word in enumerate(words[:-1]) if word in ("-exec", "-execdir"))
        for at in islice(executes, _MOST_EXECUTES):
            yield ("find -exec", *words[at + 1 :])


def _without_prefix(words: list[str]) -> list[str]:
    at = 0
    skipping_options = False
    while at < len(words):
        word = words[at]
        if word in _BEFORE:
            skipping_options = word in _BEFORE_TAKES_ARGUMENTS
        elif not (_ASSIGNMENT.match(word) or (skipping_options and _OPTION.match(word))):
            break
        at += 1
    return words[at:]


def _script_of(words: list[str]) -> str | None:
    for at, word in enumerate(words[1:], start=1):
        if not word.startswith("-"):
            return None
        if word.endswith("c") and not word.startswith("--"):
            return words[at + 1] if at + 1 < len(words) else None
    return None


def _split(text: str) -> Iterator[tuple[list[str], str]]:
    """Words of each simple command, and the body of a heredoc it reads."""
    words: list[str] = []
    heredocs: list[str] = []
    redirected = ""
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return
        at, kind, said = token.end(), token.lastgroup, token[0]
        if kind == "redirection":
            redirected = said.lstrip("0123456789")
        elif kind == "word":
            if redirected.startswith("<<") and redirected != "<<<" and len(heredocs) < _MOST_HEREDOCS:
                heredocs.append(_unquoted(said))
            elif not redirected:
                words.append(_unquoted(said))
            redirected = ""
        elif kind == "end":
            redirected, body = "", ""
            if said == "\n" and heredocs:
                body, at = _heredoc(text, at, heredocs)
                heredocs = []
            yield words, body
            words = []
        elif kind == "stray" and said in _QUOTES:
            break  # never closed: no shell would run the rest
    yield words, ""


def _heredoc(text: str, start: int, delimiters: list[str]) -> tuple[str, int]:
    """The first heredoc's body, and where the text goes on behind the last one."""
    first = ""
    for number, delimiter in enumerate(delimiters):
        end = re.compile(rf"^\t*{re.escape(delimiter)}[ \t\r]*$", re.MULTILINE).search(text, start)
        body = text[start : end.start() if end else len(text)]
        start = min(end.end() + 1, len(text)) if end else len(text)
        first = body if number == 0 else first
    return first, start


def _unquoted(word: str) -> str:
    if not ("'" in word or '"' in word or "\\" in word):
        return word
    return _QUOTED.sub(_plain, word)


def _plain(found: re.Match[str]) -> str:
    if found[1] is not None:
        return found[1]
    if found[2] is not None:
        return _ESCAPED.sub(r"\1", found[2])
    return "" if found[3] == "\n" else found[3]
