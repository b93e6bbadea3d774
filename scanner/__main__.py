"""``python -m scanner``: who will this image run as? A contract, see the README.

::

    inspect REFERENCE     0 pass, or nothing that runs · 1 fail · 2 unknown · 3 could not be inspected
    whatif REFERENCE      0 it starts and nothing breaks · 1 it does not, or something does · 2, 3 as above
    whatif --manifest F   0 fine · 1 contradictions · 2 unknown · 3 no image could be inspected · 4 unreadable
    identity --jsonl      0
    rules                 0
    anything else         4
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import IO, NoReturn

from scanner.command_line import Answered, InspectOptions, NoPassword, inspect_reference, parse_image_reference
from scanner.deployments import review_text
from scanner.deployments_command import WrongManifest, review_manifest
from scanner.domain.identity import Runtime
from scanner.domain.reference import InvalidReference
from scanner.domain.verdict import Verdict
from scanner.identity_lines import BadLine, identity_line
from scanner.policies import DEFAULT_POLICY, POLICIES, policy_named
from scanner.rule_pages import as_json, as_markdown, as_text
from scanner.sarif import as_sarif
from scanner.start_options import WrongStart, add_start_options, start_of
from scanner.terminal import render
from scanner.whatif.text import as_text as what_if_text
from scanner.whatif_command import what_if_reference

WRONG_USAGE = 4
NOT_INSPECTED = 3
_EXIT = {Verdict.PASS: 0, Verdict.NOT_APPLICABLE: 0, Verdict.FAIL: 1, Verdict.UNKNOWN: 2}


class _Parser(argparse.ArgumentParser):
    """argparse leaves with 2, which here means *unknown*."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(WRONG_USAGE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    _speak_utf_8()
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except BrokenPipeError:
        # The reader went away, as ``head`` does. Python would complain once more while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_INSPECTED
    except KeyboardInterrupt:
        return NOT_INSPECTED
    return status


def _speak_utf_8() -> None:
    """Make no locale and no byte end in a traceback: account files on stdin need not be UTF-8."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _parser() -> _Parser:
    parser = _Parser(prog="python -m scanner", description="Who will this image run as?", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    _add_inspect(commands.add_parser("inspect", help="judge one image or all platforms of a tag", allow_abbrev=False))
    what_if = "say what would happen if the image were started with these settings"
    _add_what_if(commands.add_parser("whatif", help=what_if, description=what_if, allow_abbrev=False))
    identity = commands.add_parser("identity", help="resolve USER strings, one JSON object a line", allow_abbrev=False)
    identity.add_argument("--jsonl", action="store_true", required=True, help="read and write one JSON object a line")
    identity.add_argument("--runtime", choices=[runtime.value for runtime in Runtime], default=Runtime.DOCKER.value)
    identity.set_defaults(run=_identity)
    rules = commands.add_parser("rules", help="list the rules", allow_abbrev=False)
    rules.add_argument("--format", choices=["text", "json", "markdown"], default="text")
    rules.set_defaults(run=_rules)
    return parser


def _add_inspect(parser: argparse.ArgumentParser) -> None:
    _add_reference(parser)
    parser.add_argument("--policy", choices=[policy.name for policy in POLICIES], default=DEFAULT_POLICY)
    parser.add_argument("--format", choices=["text", "json", "sarif"], default="text")
    _add_connection(parser)
    parser.set_defaults(run=_inspect)


def _add_what_if(parser: argparse.ArgumentParser) -> None:
    _add_reference(parser, optional=True)
    parser.add_argument(
        "--manifest", metavar="FILE", help="review a Compose file, Kubernetes manifests or a rendered chart; - is stdin"
    )
    parser.add_argument("--format", choices=["text", "json"], default="text")
    add_start_options(parser)
    _add_connection(parser)
    parser.set_defaults(run=_what_if, policy=DEFAULT_POLICY)


def _add_reference(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    said = "registry/repository:tag, registry/repository@sha256:…, docker-daemon:NAME, oci:PATH[:TAG], "
    said += "docker-archive:PATH[:NAME]"
    parser.add_argument("reference", metavar="REFERENCE", nargs="?" if optional else None, help=said)
    parser.add_argument("--platform", default="all", help="for example linux/amd64; all (default) takes every platform")


def _add_connection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the registry")
    group.add_argument("--plain-http", action="store_true", help="speak http with the registry")
    group.add_argument("--insecure", action="store_true", help="accept any certificate")
    group.add_argument("--username", help="log in; needs --password-env; default: what docker login stored")
    group.add_argument("--password-env", metavar="VAR", help="the environment variable that holds the password")
    group.add_argument("--public-only", action="store_true", help="refuse private and loopback addresses")


def _inspect_options(options: argparse.Namespace) -> InspectOptions:
    return InspectOptions(
        policy=policy_named(options.policy),
        platform=None if options.platform == "all" else options.platform,
        plain_http=options.plain_http,
        verify_tls=not options.insecure,
        allow_private=not options.public_only,
        username=options.username,
        password_env=options.password_env,
    )


def _inspect(options: argparse.Namespace) -> int:
    try:
        wanted = _inspect_options(options)
        answered = inspect_reference(parse_image_reference(options.reference), wanted, os.environ)
    except (InvalidReference, NoPassword) as error:
        print(f"python -m scanner inspect: {error}", file=sys.stderr)
        return WRONG_USAGE
    _print(answered, options.format)
    return NOT_INSPECTED if answered.failed else _EXIT[answered.verdict]


def _what_if(options: argparse.Namespace) -> int:
    if options.manifest is not None:
        return _manifest(options)
    if options.reference is None:
        print("python -m scanner whatif: give a REFERENCE or --manifest FILE", file=sys.stderr)
        return WRONG_USAGE
    try:
        answered = what_if_reference(options.reference, start_of(options), _inspect_options(options), os.environ)
    except (InvalidReference, NoPassword, WrongStart) as error:
        print(f"python -m scanner whatif: {error}", file=sys.stderr)
        return WRONG_USAGE
    if options.format == "text":
        print(what_if_text(answered.report), end="")
    else:
        _print_json(answered.report)
    return answered.status


def _manifest(options: argparse.Namespace) -> int:
    try:
        wanted, start = _inspect_options(options), start_of(options)
        answered = review_manifest(options.manifest, options.reference, start, wanted)
    except (WrongManifest, WrongStart) as error:
        print(f"python -m scanner whatif: {error}", file=sys.stderr)
        return WRONG_USAGE
    if options.format == "text":
        print(review_text(answered.report), end="")
    else:
        _print_json(answered.report)
    return answered.status


def _print(answered: Answered, form: str) -> None:
    if form == "text":
        render(answered.report, sys.stdout)
        return
    _print_json(as_sarif(answered.report) if form == "sarif" else answered.report)


def _print_json(document: object) -> None:
    print(json.dumps(document, indent=2, ensure_ascii=not _unicode(sys.stdout)))


def _unicode(stream: IO[str]) -> bool:
    return (getattr(stream, "encoding", "") or "").lower().replace("-", "") == "utf8"


def _identity(options: argparse.Namespace) -> int:
    runtime = Runtime(options.runtime)
    for number, line in enumerate(sys.stdin, start=1):
        if not line.strip():
            continue
        try:
            answer = identity_line(line, runtime)
        except BadLine as error:
            print(f"line {number}: {error}", file=sys.stderr)
            return WRONG_USAGE
        print(answer, flush=True)
    return 0


_RULES: dict[str, Callable[[], str]] = {
    "text": as_text,
    "markdown": as_markdown,
    "json": lambda: json.dumps(as_json(), indent=2) + "\n",
}


def _rules(options: argparse.Namespace) -> int:
    print(_RULES[options.format](), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
