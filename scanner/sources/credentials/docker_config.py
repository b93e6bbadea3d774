"""The credential that ``docker login`` left on a machine: config.json, credential helpers, credential stores.

The command line uses that of whoever runs it; the web application that of the workers, where their operator says so.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from docker import auth
from docker.credentials.errors import CredentialsNotFound, StoreError
from docker.errors import DockerException
from docker.utils.config import find_config_file

from scanner.domain.docker_hub import is_docker_hub
from scanner.domain.printable import printable
from scanner.sources.credentials.helper import Helper
from scanner.sources.credentials.problems import refused as missing
from scanner.sources.registry.addresses import Origin
from scanner.sources.registry.credentials import IDENTITY_TOKEN_USER, Credential
from scanner.sources.registry.errors import refused

# The library takes the shape of the file, and of what a helper prints, for granted.
_ODD_SHAPE = (AttributeError, KeyError, TypeError)
_SAID: Final = "Docker's configuration holds credentials that cannot be read"
_LARGEST_FILE: Final = 1 << 20


def docker_login(registry: Origin) -> Credential | None:
    """Look up the credential of whoever runs this for exactly this host and port; ``None`` where docker has none.

    :raises Refused: ``credential-store`` when docker's own configuration cannot be read.
    """
    path = find_config_file(None)
    return None if path is None else _login(Path(str(path)), registry)


def login_in(folder: Path, registry: Origin) -> Credential:
    """Look up the credential in the ``config.json`` of a folder.

    :raises Refused: ``credential-missing`` where there is none; ``credential-store`` when it cannot be read.
    """
    path = folder / "config.json"
    found = _login(path, registry) if path.exists() else None
    if found is None:
        raise missing("credential-missing", f"{path} holds no credential for {registry.authority}")
    return found


def _login(path: Path, registry: Origin) -> Credential | None:
    name = auth.INDEX_NAME if is_docker_hub(registry.host) else registry.authority
    try:
        _check_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a missing helper, which is an error just after
            entry = _entry(auth.load_config(str(path)), name)
    except StoreError as error:
        raise refused("credential-store", f"{_SAID}: {printable(str(error), longest=300)}") from None
    except DockerException as error:
        raise refused("credential-store", _SAID) from error
    except (OSError, ValueError, RecursionError, *_ODD_SHAPE) as error:
        raise refused("credential-store", _SAID) from error
    return _credential(entry) if isinstance(entry, Mapping) else None


def _check_file(path: Path) -> None:
    found = os.stat(path)
    if not path.is_file() or found.st_size > _LARGEST_FILE:
        raise ValueError(f"{path} is not a file of at most {_LARGEST_FILE} bytes")


def _entry(config: auth.AuthConfig, name: str) -> object:
    """As the SDK looks it up: what a helper knows comes first, then what is written in the file."""
    store = config.get_credential_store(name)
    if store is not None and not isinstance(store, str):
        raise ValueError("the name of a helper is a text")
    if store:
        with_scheme = auth.INDEX_URL if name == auth.INDEX_NAME else name
        try:
            return Helper(store).get(with_scheme)  # type: ignore[no-untyped-call]  # the stubs lack it
        except CredentialsNotFound:
            pass
    return auth.AuthConfig({"auths": config.auths}).resolve_authconfig(name)


def _credential(entry: Mapping[str, object]) -> Credential | None:
    token = entry.get("IdentityToken") or entry.get("identitytoken")
    if isinstance(token, str):
        return Credential(IDENTITY_TOKEN_USER, token)
    username = entry.get("Username") or entry.get("username")
    password = entry.get("Password") or entry.get("password") or entry.get("Secret")
    if isinstance(username, str) and isinstance(password, str) and username and password:
        return Credential(username, password)
    return None
