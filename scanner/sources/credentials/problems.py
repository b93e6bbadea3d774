"""What can go wrong on the way to a credential, each with its stable code and what a person can do."""

from __future__ import annotations

from typing import Final

from scanner.domain.problems import Refused, Unavailable

REMEDIES: Final = {
    "credential-sdk-missing": "Install it where the workers run: pip install -r requirements-{extra}.txt",
    "credential-forbidden": "Enter a credential, or have the operator set PLIMSOLL_AMBIENT_CLOUD=1, which lends the "
    "cloud identity of the workers' machine, or PLIMSOLL_DOCKER_CONFIG, the folder of its docker config.json.",
    "credential-missing": "Log in there with docker login, or enter the credential at the registry.",
    "credential-invalid": "Enter it again; the form says what belongs into each field.",
    "credential-wrong-host": "Correct the registry's address, or choose another kind of credential.",
    "credential-exchange": "Check that the credential still counts and may read here; the cloud's own log says more.",
    "credential-exchange-failed": "The cloud did not answer as it should; it is asked again later.",
}


def refused(code: str, message: str, *, extra: str = "") -> Refused:
    """Make a permanent problem with the advice that belongs to its code.

    :param extra: which requirements are missing: ``aws``, ``google``, ``azure``.
    """
    return Refused(code, message, remedy=REMEDIES[code].format(extra=extra) if extra else REMEDIES[code])


def unavailable(code: str, message: str) -> Unavailable:
    """Make a passing problem with the advice that belongs to its code."""
    return Unavailable(code, message, remedy=REMEDIES[code])
