"""The same answer for a person at a terminal: verdict first, then how it came about, then what to change.

Everything shown comes from the report object, in which every string is safe to show. Text is never read as rich's
markup, so ``[red]`` in an image's name stays what it is.
"""

from __future__ import annotations

from typing import IO, Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from scanner.domain.printable import printable

Json = dict[str, Any]

_VERDICT_STYLES = {
    "pass": "bold green",
    "fail": "bold red",
    "unknown": "bold yellow",
    "not_applicable": "bold",
}
_SEVERITY_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan", "info": "dim"}
_WORDS = {"not_applicable": "not applicable"}
_PLATFORM_NAMES = {
    "docker-run": "docker run",
    "kubernetes-run-as-non-root": "Kubernetes runAsNonRoot",
    "kubernetes-run-as-non-root-before-1.34": "  before Kubernetes 1.34",
    "pod-security-restricted": "Pod Security restricted",
    "openshift-restricted-v2": "OpenShift restricted-v2",
    "user-namespace": "user namespace",
}


def render(report: Json, stream: IO[str]) -> None:
    """Write the answer; in color where the stream is a terminal and NO_COLOR is not set."""
    console = _console(stream)
    _line(console, _title(report))
    if report["error"]:
        _problem(console, report["error"])
    for image in report["images"]:
        console.print()
        _image(console, image)


def _console(stream: IO[str]) -> Console:
    return Console(file=stream, highlight=False, markup=False, emoji=False)


def _title(report: Json) -> Text:
    title = Text(f"{report['reference']}  ")
    title.append(_word(report["verdict"]).upper(), _VERDICT_STYLES[report["verdict"]])
    if report["score"] is not None:
        title.append(f"  score {report['score']}")
    title.append(f"  policy {report['policy']}", "dim")
    if report["digest"]:
        title.append(f"\n{report['digest']}", "dim")
    return title


def _image(console: Console, image: Json) -> None:
    head = Text().append(f"{image['platform'] or 'image'}  ", "bold")
    head.append(_word(image["verdict"]), _VERDICT_STYLES[image["verdict"]])
    if image["sentence"]:
        head.append(f"  {image['sentence']}")
    if image["artifact"]:
        head.append(f"  {printable(image['artifact'])}")
    _line(console, head)
    _line(console, Text(image["digest"] or "", "dim"), 2)
    if image["problem"]:
        _problem(console, image["problem"])
    if image["identities"]:
        _identities(console, image)
        _derivation(console, image)
    _results(console, image)


def _identities(console: Console, image: Json) -> None:
    _heading(console, "Runs as")
    for runtime, identity in image["identities"].items():
        _line(console, Text(f"{runtime:<26}").append(_who(identity)), 4)
    _heading(console, "Platforms")
    for platform, answer in image["platforms"].items():
        row = Text(f"{_PLATFORM_NAMES.get(platform, platform):<26}").append(answer["answer"])
        row.append(f"  {answer['message']}" if answer["message"] else "", "dim")
        _line(console, row, 4)


def _who(identity: Json) -> str:
    if "error" in identity:
        return f"does not start: {printable(identity['error'])}"
    groups = ",".join(str(gid) for gid in identity["groups"]) or "none"
    home = printable(identity["home"])
    return f"uid {identity['uid']}  gid {identity['gid']}  groups {groups}  home {home or '(empty)'}"


def _derivation(console: Console, image: Json) -> None:
    _heading(console, "Why")
    for number, step in enumerate(image["derivation"], start=1):
        _line(console, Text(f"{number}. {step['text']}"), 4)
        if step.get("quote"):
            _place(console, step["path"], step["line"], step["quote"], step)


def _results(console: Console, image: Json) -> None:
    for outcome, heading in (("violated", "Violated"), ("unknown", "Could not tell")):
        results = [result for result in image["results"] if result["outcome"] == outcome]
        if results and not image["problem"]:
            _heading(console, heading)
            for result in results:
                _result(console, result, decides=result["rule"] in image["failed_on"])


def _result(console: Console, result: Json, *, decides: bool) -> None:
    row = Text().append(f"{result['rule']} {result['slug']}  ", "bold")
    row.append(result["severity"], _SEVERITY_STYLES[result["severity"]])
    row.append("  decides the verdict" if decides else "", "dim")
    _line(console, row, 4)
    if result["reason"]:
        _line(console, Text(result["reason"]), 6)
    for evidence in (result["evidence"], *result["more_evidence"]):
        _evidence(console, evidence)
    if result["fix"]:
        _line(console, Text("Fix", "bold"), 6)
        _line(console, Text(_without_reason(result)), 8)


def _without_reason(result: Json) -> str:
    return str(result["fix"]).removeprefix(result["reason"] or "").lstrip()


def _evidence(console: Console, evidence: Json) -> None:
    if evidence.get("before_text") is not None:
        earlier = {name.removeprefix("before_"): value for name, value in evidence.items() if "before_" in name}
        _place(console, evidence["path"], earlier["line"], f"- {earlier['text']}", earlier)
        _place(console, evidence["path"], evidence["line"], f"+ {evidence['text']}", evidence)
    elif evidence.get("text") is not None:
        _place(console, evidence["path"], evidence.get("line"), evidence["text"], evidence)
    elif evidence.get("pointer"):
        instruction = f"  ({evidence['instruction']})" if evidence.get("instruction") else ""
        _line(console, Text(f'config {evidence["pointer"]} = "{evidence["declared"]}"{instruction}', "dim"), 8)


def _place(console: Console, path: Any, line: Any, text: str, layer: Json) -> None:
    """One line of a file with the layer that holds it."""
    place = Text().append(f"{path}{f':{line}' if line else ''}  ", "dim")
    place.append(text, "cyan")
    _line(console, place, 8)
    if layer.get("layer"):
        maker = f"  {layer['created_by']}" if layer.get("created_by") else ""
        _line(console, Text(f"layer {layer['layer_number']} {layer['layer']}{maker}", "dim"), 10)


def _problem(console: Console, problem: Json) -> None:
    _line(console, Text(f"{problem['code']}: {problem['message']}", "yellow"), 2)
    if problem["remedy"]:
        _line(console, Text(problem["remedy"]), 2)


def _heading(console: Console, text: str) -> None:
    _line(console, Text(text, "bold"), 2)


def _line(console: Console, text: Text, indent: int = 0) -> None:
    if console.is_terminal:
        console.print(Padding.indent(text, indent))
    else:  # piped text is read by grep: its lines are not broken
        console.print(_indented(text, indent), soft_wrap=True)


def _indented(text: Text, indent: int) -> Text:
    lines = text.split("\n")
    return Text("\n").join(Text(" " * indent).append_text(line) for line in lines)


def _word(verdict: str) -> str:
    return _WORDS.get(verdict, verdict)
