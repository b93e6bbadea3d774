"""The credential that ``docker login`` left on this machine: config.json, credential helpers, credential stores.

Only the command line uses it. The web application has its own, which belong to a registry and not to a machine.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from docker import auth
from docker.errors import DockerException

from scanner.domain.docker_hub import is_docker_hub
from scanner.domain.printable import printable
from scanner.sources.registry.addresses import Origin
from scanner.sources.registry.credentials import IDENTITY_TOKEN_USER, Credential
from scanner.sources.registry.errors import refused

# The library takes the shape of the file, and of what a helper prints, for granted.
_ODD_SHAPE = (AttributeError, KeyError, TypeError)


def docker_login(registry: Origin) -> Credential | None:
    """Look up the credential for exactly this host and port; ``None`` where docker has none.

    :raises Refused: ``credential-store`` when docker's own configuration cannot be read.
    """
    name = auth.INDEX_NAME if is_docker_hub(registry.host) else registry.authority
    said = "Docker's configuration holds credentials that cannot be read"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a missing helper, which is an error just after
            entry = auth.load_config().resolve_authconfig(name)
    except DockerException as error:
        raise refused("credential-store", f"{said}: {printable(str(error), longest=300)}") from error
    except (OSError, ValueError, *_ODD_SHAPE) as error:
        raise refused("credential-store", said) from error
    return _credential(entry) if isinstance(entry, Mapping) else None


def _credential(entry: Mapping[str, object]) -> Credential | None:
    token = entry.get("IdentityToken") or entry.get("identitytoken")
    if isinstance(token, str):
        return Credential(IDENTITY_TOKEN_USER, token)
    username, password = entry.get("Username") or entry.get("username"), entry.get("Password") or entry.get("password")
    if isinstance(username, str) and isinstance(password, str) and username and password:
        return Credential(username, password)
    return None
