"""Seventeen ways to be root, and who notices: `python -m benchmarks.root_spellings > docs/root-spellings.md`.

Each image is written to an OCI layout and served as a registry would. Its USER is what `skopeo inspect --config` says
of it; beside our answer stand four checks of that string as scripts and policies have them. That every one of these
images starts as uid 0 is shown by a real Docker engine in `tests/oracle/test_root_spellings.py`.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from scanner.command_line import InspectOptions, inspect_reference
from scanner.domain.reference import parse_reference
from scanner.policies import policy_named
from tests.support.demo_registry.server import DemoRegistry
from tests.support.images import Entry, File, Folder, Stored, image, layer
from tests.support.oci_layout import OciLayout
from tests.support.static_id import static_id

_ROOT = "root:x:0:0:root:/root:/bin/sh\n"
_GROUP = "root:x:0:\napp:x:1000:\n"


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way to be root: what USER says, and the line of ``/etc/passwd`` that makes it so."""

    user: str
    line: str = ""

    def image(self) -> Stored:
        """An image with these accounts and a program that prints its own ids."""
        accounts = File((_ROOT + self.line + "\n").encode()), File(_GROUP.encode())
        etc: dict[str, Entry] = {"etc": Folder(), "etc/passwd": accounts[0], "etc/group": accounts[1]}
        return image([layer({"id": File(static_id(), 0o755)}), layer(etc)], user=self.user, entrypoint=["/id"])


SPELLINGS = (
    *(Spelling(user) for user in ("", ":", ":1000", "0", "00", "000:1", "+0", "-0", "0:0", "0:1000")),
    *(Spelling(user) for user in ("root", "root:app")),
    Spelling("toor", "toor:x:0:0::/root:/bin/sh"),
    Spelling("app", "app:x:0:0::/app:/bin/sh"),
    Spelling("app", "app:x: 1000:1000::/app:/bin/sh"),
    Spelling("app", "app:x:4294967296:1000::/app:/bin/sh"),
    Spelling("#app", "#app:x:uid:gid"),
)

STRING_CHECKS: Mapping[str, Callable[[str], bool]] = {
    'is empty, "0" or "root"': lambda user: user in ("", "0", "root"),
    "begins with 0 or root": lambda user: user == "" or user.startswith(("0", "root")),
    'user half is empty, "0" or "root"': lambda user: user.partition(":")[0] in ("", "0", "root"),
    "user half is root or a number that is 0": lambda user: bool(re.fullmatch(r"root|[+-]?0+|", user.split(":")[0])),
}


def table() -> str:
    """The page."""
    rows, found = [], dict.fromkeys(STRING_CHECKS, 0)
    ours = 0
    with tempfile.TemporaryDirectory() as folder:
        for spelling, (declared, root) in zip(SPELLINGS, _answers(Path(folder)), strict=True):
            ours += root
            checks = [check(declared) for check in STRING_CHECKS.values()]
            for name, says in zip(STRING_CHECKS, checks, strict=True):
                found[name] += says
            cells = ["found" if says else "**missed**" for says in (root, *checks)]
            rows.append(f"| `{json.dumps(declared)}` | {_line(spelling)} | " + " | ".join(cells) + " |")
    total = [f"{count} of {len(SPELLINGS)}" for count in (ours, *found.values())]
    head = ["| USER | line of `/etc/passwd` | Plimsoll | " + " | ".join(STRING_CHECKS) + " |", "|" + "---|" * 7]
    return "\n".join([_INTRODUCTION, *head, *rows, "| | | " + " | ".join(total) + " |", ""])


def _line(spelling: Spelling) -> str:
    return f"`{spelling.line}`" if spelling.line else ""


def _answers(folder: Path) -> list[tuple[str, bool]]:
    layout = OciLayout(folder / "layout")
    for number, spelling in enumerate(SPELLINGS):
        layout.tag("spelling", str(number), spelling.image())
    with DemoRegistry(folder / "layout").running() as registry:
        return [(_declared(folder, number), _is_root(registry.host, number)) for number in range(len(SPELLINGS))]


def _declared(folder: Path, number: int) -> str:
    done = subprocess.run(
        ["skopeo", "inspect", "--config", f"oci:{folder}/layout:spelling:{number}"], capture_output=True, check=True
    )
    config: Mapping[str, str] = json.loads(done.stdout).get("config", {})
    return config.get("User", "")


def _is_root(host: str, number: int) -> bool:
    options = InspectOptions(policy_named("baseline"), plain_http=True)
    report = inspect_reference(parse_reference(f"{host}/spelling:{number}"), options, {}).report
    (found,) = report["images"]
    uid: int | None = found["identities"]["docker"].get("uid")
    return uid == 0 and report["verdict"] == "fail"


_INTRODUCTION = """\
# Ways to be root

Every image below starts as uid 0 on a real Docker engine. The first answer is ours, from the image's own account files;
the others are checks of the USER string as `skopeo inspect --config` prints it, which is all that most tools look at.

This page is written by `python -m benchmarks.root_spellings`.
"""


if __name__ == "__main__":
    print(table(), end="")
