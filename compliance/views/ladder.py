"""A connection test shown while it is under way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import StreamingHttpResponse
from django.template.loader import render_to_string

from scanner.sources.registry.diagnosis import Step, StepState

_FOLDER = "compliance/registry_form"
_TOP = (
    '<section class="panel" id="ladder" aria-labelledby="t-ladder"><header><h2 id="t-ladder">Connection test</h2>'
    '</header><div class="body"><p class="working" role="status"><progress>working</progress>Trying each step. '
    'A registry that does not answer takes a few seconds.</p><div class="climb"><ol class="ladder">'
)
_END = "</div></div></section>"


@dataclass(frozen=True, slots=True)
class Climbed:
    """All steps of a test."""

    steps: tuple[Step, ...]

    @property
    def broken(self) -> Step | None:
        """Where it stopped."""
        return next((step for step in self.steps if step.state is StepState.FAILED), None)

    @property
    def warned(self) -> int:
        """How many steps held with a warning."""
        return sum(step.state is StepState.WARNING for step in self.steps)


def stream_steps(steps: Iterator[Step]) -> StreamingHttpResponse:
    """Send each step when it is done; the whole answer is what a page would show."""
    response = StreamingHttpResponse(_parts(steps))
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would keep the steps until the last one
    return response


def _parts(steps: Iterator[Step]) -> Iterator[str]:
    done: list[Step] = []
    yield _TOP
    for step in steps:
        done.append(step)
        yield render_to_string(f"{_FOLDER}/step.html", {"step": step, "broken": Climbed(tuple(done)).broken})
    climbed = Climbed(tuple(done))
    context = {"broken": climbed.broken, "warned": climbed.warned}
    yield f"</ol>{render_to_string(f'{_FOLDER}/climbed.html', context)}{_END}"
