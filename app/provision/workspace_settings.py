"""A workspace's `settings.env`: secrets and ports made once, and whatever settings its operator adds.

Standard library only.
"""

import os
import secrets
from collections.abc import Mapping

from app.provision.errors import ProvisionError
from app.provision.state import State, WorkspaceFolder, free_port, make_folder, write_atomically

WEB_PORTS = range(8080, 8180)
MQTT_PORTS = range(18830, 18930)
_HEADER = """\
# Settings of workspace {name}. Holds secrets: keep it to yourself.
# Any setting of docs/operations.md may be added as KEY=value; the environment comes before this file.
"""


def read(folder: WorkspaceFolder) -> dict[str, str]:
    """Read the settings; empty when there are none yet.

    Raises
    ------
    ProvisionError
        A line is not KEY=value.
    """
    try:
        lines = folder.settings_file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except PermissionError as error:
        raise ProvisionError(f"{folder.settings_file} belongs to another user") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        key, separator, value = text.partition("=")
        if not separator or not key.replace("_", "").isalnum():
            raise ProvisionError(f"{folder.settings_file}, line {number}: not KEY=value")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        found[key.strip()] = value
    return found


def ensure(state: State, folder: WorkspaceFolder) -> dict[str, str]:
    """Make the workspace's settings, or what is missing of them. The caller holds the state folder's lock.

    Ports are free ones, remembered; a port given by the environment is remembered instead.
    """
    for path in (folder.folder, folder.logs, folder.run):
        make_folder(path)
    known = read(folder)
    wanted = dict(known)
    taken = frozenset(_ports_of_others(state, folder))
    for key, ports in (("MAINLINE_WEB_PORT", WEB_PORTS), ("MAINLINE_MQTT_PORT", MQTT_PORTS)):
        given = os.environ.get(key)
        if given:
            wanted[key] = str(_port_number(key, given))
        elif key not in wanted:
            wanted[key] = str(free_port(preferred=ports, taken=taken))
    for key in ("MAINLINE_TOKEN_SECRET", "MAINLINE_MQTT_INGEST_PASSWORD", "MAINLINE_MQTT_PUBLISHER_PASSWORD"):
        wanted.setdefault(key, secrets.token_urlsafe(32))
    if wanted != known:
        _store(folder, wanted)
    return wanted


def replace(folder: WorkspaceFolder, settings: Mapping[str, str]) -> None:
    """Write these settings, as when a workspace is restored."""
    for path in (folder.folder, folder.logs, folder.run):
        make_folder(path)
    write_atomically(folder.settings_file, _HEADER.format(name=folder.name) + _lines(settings))


def _store(folder: WorkspaceFolder, settings: Mapping[str, str]) -> None:
    """Change and add lines, keeping the operator's own lines and remarks as they are."""
    try:
        lines = folder.settings_file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        lines = _HEADER.format(name=folder.name).splitlines()
    open_keys = dict(settings)
    kept = []
    for line in lines:
        key = line.partition("=")[0].strip()
        if key in settings and not line.lstrip().startswith("#"):
            value = open_keys.pop(key, None)
            if value is not None:
                kept.append(f"{key}={value}")
        else:
            kept.append(line)
    write_atomically(folder.settings_file, "\n".join(kept) + "\n" + _lines(open_keys))


def _lines(settings: Mapping[str, str]) -> str:
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def _port_number(key: str, text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ProvisionError(f"{key}={text}: not a port")
    return int(text)


def _ports_of_others(state: State, folder: WorkspaceFolder) -> list[int]:
    ports = []
    for other in state.workspaces():
        if other.name != folder.name:
            settings = read(other)
            ports += [
                int(settings[key])
                for key in ("MAINLINE_WEB_PORT", "MAINLINE_MQTT_PORT")
                if settings.get(key, "").isdigit()
            ]
    return ports
