"""A deployment file, pasted or uploaded. It is read and forgotten."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from scanner.deployments import DeploymentProblem, decode
from scanner.domain.limits import Limits


class DeploymentForm(forms.Form):
    """One of text and file; where both are given, the file counts."""

    text = forms.CharField(
        label="The file's text",
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 16, "spellcheck": "false", "autocapitalize": "none", "autocomplete": "off", "wrap": "off"}
        ),
    )
    file = forms.FileField(label="or a file", required=False, allow_empty_file=True)

    def __init__(self, data: Any = None, files: Any = None, *, limits: Limits) -> None:
        super().__init__(data, files)
        self.limits = limits
        self.problem: DeploymentProblem | None = None

    def clean(self) -> dict[str, Any]:
        """Make one text of what was given."""
        data = dict(super().clean() or self.cleaned_data)
        file: UploadedFile[Any] | None = data.get("file")
        try:
            body = data.get("text", "").replace("\r\n", "\n") if file is None else self._decoded(file)
        except DeploymentProblem as problem:
            self.problem = problem
            self.add_error("file", problem.message)
            return data
        if not body.strip() and not self.errors:
            self.add_error("text", "Paste a file, or choose one.")
        return {**data, "body": body}

    def _decoded(self, file: UploadedFile[Any]) -> str:
        return decode(file.read(self.limits.deployment_bytes + 1), self.limits).replace("\r\n", "\n")

    @property
    def body(self) -> str:
        """The text to review, after validation."""
        found: str = self.cleaned_data["body"]
        return found
