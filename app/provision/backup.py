"""A workspace in one file: its database and its settings with their secrets.

The file is a tar archive of `manifest.json`, `database.dump` (pg_dump's custom format) and `settings.json`. Who may
connect to the broker is in the database; messages that wait in the broker are not part of it.
"""

import json
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from app.provision import (
    cluster,
    migrations,
    postgres,
    servers,
    stopping,
    workspace_settings,
    workspaces,
)
from app.provision.cluster import Cluster
from app.provision.errors import ProvisionError
from app.provision.progress import step, tell
from app.provision.state import SECRET_MODE, WorkspaceFolder, locked, open_state
from core.db import libpq_url

FORMAT = 1
_MANIFEST = "manifest.json"
_DUMP = "database.dump"
_SETTINGS = "settings.json"
_PARTS = frozenset({_MANIFEST, _DUMP, _SETTINGS})
_NOT_RESTORED = frozenset({"DATABASE_URL", "MQTT_URL"})
"""Addresses of servers kept by others belong to a machine, not to the data."""
_BELONGS_TO_EXTENSION = re.compile(
    r"^\d+; \d+ \d+ (EXTENSION -|COMMENT - EXTENSION|TABLE DATA public spatial_ref_sys) "
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    Parameters
    ----------
    revision
        The schema's migration; a checkout that does not know it is older than the backup.
    """

    format: int
    workspace: str
    made_at: str
    revision: str | None


def back_up(workspace: str, file: Path) -> Manifest:
    """Write a workspace into a file that only its owner can read. The workspace may be running: the copy is of one moment.

    Raises
    ------
    ProvisionError
        There is no such workspace, or pg_dump failed; no file is left then.
    """
    state = open_state()
    folder = state.workspace(workspace)
    if not folder.settings_file.exists():
        raise ProvisionError(f"there is no workspace {workspace}")
    settings = workspace_settings.read(folder)
    with locked(state):
        url = workspaces.database_address(state, folder, settings)
    with step(f"backing up workspace {workspace}"):
        manifest = Manifest(
            FORMAT, workspace, datetime.now(UTC).isoformat(timespec="seconds"), migrations.revision(url)
        )
        with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".mainline-backup-") as name:
            parts = Path(name)
            _run_on(url, "pg_dump", "--format=custom", "--no-owner", "--no-acl", "--file", str(parts / _DUMP))
            for part, value in ((_MANIFEST, asdict(manifest)), (_SETTINGS, settings)):
                (parts / part).write_text(json.dumps(value, indent=1), encoding="utf-8")
            archive = parts / "archive"
            with os.fdopen(os.open(archive, os.O_CREAT | os.O_WRONLY, SECRET_MODE), "wb") as output:
                with tarfile.open(fileobj=output, mode="w") as tar:
                    for part in sorted(_PARTS):
                        tar.add(parts / part, arcname=part)
                output.flush()
                os.fsync(output.fileno())
            archive.replace(file)
    return manifest


def restore(workspace: str, file: Path, *, force: bool = False) -> Manifest:
    """Make a workspace what a backup says; its processes are stopped and stay down.

    In the private cluster the data goes into a new database that takes the old one's place when it is complete, so
    that a restore that fails leaves the workspace as it was.

    Parameters
    ----------
    force
        Replace a workspace that holds data.

    Raises
    ------
    ProvisionError
        The file is no backup or newer than this checkout, or the workspace holds data and `force` is not given.
    """
    state = open_state()
    folder = state.workspace(workspace)
    with tempfile.TemporaryDirectory(prefix="mainline-restore-") as name:
        parts = Path(name)
        manifest = _unpack(file, parts)
        with locked(state), step(f"restoring workspace {workspace} from {manifest.made_at}"):
            settings = _restored_settings(folder, json.loads((parts / _SETTINGS).read_text(encoding="utf-8")))
            external = workspaces.external_database(settings)
            if external:
                servers.check_database(external)
                _refuse_if_used(external, workspace, force=force)
                stopping.stop_processes(folder)
                clean = ["--clean", "--if-exists"] if force else []
                _pg_restore(external, parts, "--single-transaction", *clean)
            else:
                private = cluster.main_cluster(state)
                cluster.ensure_running(private)
                postgres.ensure_app_role(private)
                _replace_database(private, folder, parts, force=force)
            workspace_settings.replace(folder, settings)
    return manifest


def _unpack(file: Path, parts: Path) -> Manifest:
    try:
        with tarfile.open(file, mode="r:") as tar:
            if set(tar.getnames()) != _PARTS:
                raise ProvisionError(f"{file}: not a backup of Mainline: its parts are others")
            tar.extractall(parts, filter="data")
        manifest = Manifest(**json.loads((parts / _MANIFEST).read_text(encoding="utf-8")))
    except OSError as error:
        raise ProvisionError(f"{file}: {error.strerror or error}") from error
    except (tarfile.TarError, ValueError, TypeError) as error:
        raise ProvisionError(f"{file}: not a backup of Mainline: {error}") from error
    if manifest.format != FORMAT or not migrations.is_known(manifest.revision):
        raise ProvisionError(f"{file}: made by a newer version of Mainline than this one")
    return manifest


def _replace_database(private: Cluster, folder: WorkspaceFolder, parts: Path, *, force: bool) -> None:
    made = f"{folder.database}_restoring"
    if postgres.database_exists(private, folder.database):
        _refuse_if_used(postgres.admin_url(private, folder.database), folder.name, force=force)
    postgres.drop_database(private, made)
    postgres.create_database(private, made)
    try:
        _pg_restore(postgres.admin_url(private, made), parts, f"--role={cluster.APP}", "--exit-on-error")
    except ProvisionError:
        postgres.drop_database(private, made)
        raise
    if stopping.stop_processes(folder):
        tell("· stopped the workspace's processes")
    postgres.drop_database(private, folder.database)
    postgres.rename_database(private, made, folder.database)


def _pg_restore(url: str, parts: Path, *options: str) -> None:
    """Restore all but the extensions, which the database has already and only a superuser could make."""
    listed = subprocess.run(
        [str(cluster.binaries() / "pg_restore"), "--list", str(parts / _DUMP)],
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        raise ProvisionError(f"not a backup of Mainline: {listed.stderr.strip()}")
    wanted = [line for line in listed.stdout.splitlines() if not _BELONGS_TO_EXTENSION.match(line)]
    contents = parts / "contents.list"
    contents.write_text("\n".join(wanted) + "\n", encoding="utf-8")
    _run_on(url, "pg_restore", "--no-owner", "--no-acl", "-L", str(contents), *options, str(parts / _DUMP))


def _restored_settings(folder: WorkspaceFolder, saved: Mapping[str, str]) -> dict[str, str]:
    """Return the backup's settings, with the ports and the foreign servers this workspace already has here."""
    here = workspace_settings.read(folder)
    settings = {key: value for key, value in saved.items() if key not in _NOT_RESTORED}
    for key in ("MAINLINE_WEB_PORT", "MAINLINE_MQTT_PORT"):
        settings.pop(key, None)
        if key in here:
            settings[key] = here[key]
    return settings | {key: here[key] for key in _NOT_RESTORED & here.keys()}


def _refuse_if_used(url: str, workspace: str, *, force: bool) -> None:
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute("SELECT to_regclass('core.outbox') IS NOT NULL").fetchone()
    if row and row[0] and not force:
        raise ProvisionError(
            f"workspace {workspace} exists already: restore into another (--workspace NAME) or replace it with --force"
        )


def _run_on(url: str, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on a database; the password travels in the environment, where `ps` does not show it."""
    address = make_url(url).set(drivername="postgresql")
    environment = os.environ | {"PGPASSWORD": address.password or ""}
    shown = address.set(password=None).render_as_string(hide_password=False)
    command = [str(cluster.binaries() / program), "--dbname", shown, *arguments]
    answer = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if answer.returncode != 0:
        raise ProvisionError(f"{program} failed ({answer.returncode}): {answer.stderr.strip()[-2000:]}")
