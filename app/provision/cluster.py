"""The private PostgreSQL cluster: made once, started when it is down, stopped by `down`.

Listens on a loopback port only; no socket file, so that a long state folder cannot break it. Standard library only.
"""

import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from app.provision.accounts import Account, make_private_folder, server_account
from app.provision.errors import ProvisionError
from app.provision.progress import step, tell
from app.provision.state import State, free_port, make_folder, port_is_free, write_atomically

ADMIN = "mainline_admin"
"""The cluster's superuser: makes databases and extensions; no process of the product connects as it."""
APP = "mainline"
"""Owner of every workspace's database."""
OLDEST_VERSION = 15
START_PATIENCE_S = 300
"""A cluster that was killed replays its log before it answers."""

SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "password_encryption": "'scram-sha-256'",
    "max_connections": "200",
    "shared_buffers": "'256MB'",
    "work_mem": "'16MB'",
    "maintenance_work_mem": "'128MB'",
    "max_wal_size": "'2GB'",
    "random_page_cost": "1.1",
    "jit": "off",  # our queries are short: compiling them costs more than it saves
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "logging_collector": "on",
    "log_directory": "'../log'",
    "log_filename": "'postgresql-%a.log'",  # a week, then overwritten
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "'1d'",
    "log_rotation_size": "0",
    "log_min_duration_statement": "'2s'",
    "log_parameter_max_length": "0",  # parameters hold callers' names
    "log_parameter_max_length_on_error": "0",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A private cluster and where it lives.

    Parameters
    ----------
    durable
        False for tests only: what was committed may be lost when the machine stops.
    """

    folder: Path
    durable: bool = True

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """Its log, one file a weekday."""
        return self.folder / "log"

    @property
    def _port_file(self) -> Path:
        return self.folder / "port"

    @property
    def exists(self) -> bool:
        """Whether the cluster was made; the folder appears whole or not at all."""
        return (self.data / "PG_VERSION").exists()

    @property
    def port(self) -> int:
        """Where it listens, once it has been started."""
        return int(self._port_file.read_text(encoding="ascii"))

    def password(self, role: str) -> str:
        """Read the password of a role: `ADMIN` or `APP`."""
        return (self.folder / f"{role}.password").read_text(encoding="ascii").strip()


def main_cluster(state: State) -> Cluster:
    """Return the cluster of all workspaces."""
    return Cluster(state.folder / "postgres")


def test_cluster(state: State) -> Cluster:
    """Return the cluster of `./mainline test`, apart from everybody's data and quicker because it does not wait for the disk."""
    return Cluster(state.folder / "postgres-test", durable=False)


def binaries(cluster: Cluster | None = None) -> Path:
    """Find PostgreSQL's programs: of the version that made the cluster, else the oldest that has PostGIS.

    Raises
    ------
    ProvisionError
        There are none.
    """
    version = int((cluster.data / "PG_VERSION").read_text().strip()) if cluster and cluster.exists else None
    found = installed_versions()
    if version is None and found:
        return found[min(found)]
    if version in found:
        return found[version]
    raise ProvisionError(
        f"no PostgreSQL {version or f'{OLDEST_VERSION} or newer'} with PostGIS on this machine; "
        f"install postgresql-{version or OLDEST_VERSION}-postgis-3"
    )


def installed_versions() -> dict[int, Path]:
    """Return the folders with programs of each usable PostgreSQL that has PostGIS, by major version."""
    found: dict[int, Path] = {}
    for folder in Path("/usr/lib/postgresql").glob("*/bin"):
        major = folder.parent.name
        control = Path(f"/usr/share/postgresql/{major}/extension/postgis.control")
        if (
            major.isdigit()
            and int(major) >= OLDEST_VERSION
            and (folder / "initdb").exists()
            and control.exists()
        ):
            found[int(major)] = folder
    config = shutil.which("pg_config")
    if not found and config is not None:  # not a Debian: one PostgreSQL on the path
        bindir, sharedir, version = _ask(config, "--bindir", "--sharedir", "--version")
        match = re.search(r"\d+", version)
        if match and int(match[0]) >= OLDEST_VERSION and Path(sharedir, "extension/postgis.control").exists():
            found[int(match[0])] = Path(bindir)
    return found


def _ask(program: str, *options: str) -> list[str]:
    answer = subprocess.run([program, *options], capture_output=True, text=True, check=False)
    lines = answer.stdout.splitlines()
    return lines if len(lines) == len(options) else [""] * len(options)


def ensure_running(cluster: Cluster) -> None:
    """Make the cluster when it is missing and start it when it is down. The caller holds the state folder's lock.

    Raises
    ------
    ProvisionError
        PostgreSQL is not installed, or does not start; the message shows its last words.
    """
    if is_running(cluster):
        return
    account = server_account("postgres")
    programs = binaries(cluster)
    make_folder(cluster.folder.parent)
    make_private_folder(cluster.folder, account)
    if not cluster.exists:
        with step(f"making a private PostgreSQL cluster in {cluster.folder}"):
            _make(cluster, account, programs)
    _remove_stale_pid(cluster)
    _choose_port(cluster, account)
    _write_settings(cluster, account)
    with step(f"starting PostgreSQL on 127.0.0.1:{cluster.port}"):
        _start(cluster, account, programs)


def is_running(cluster: Cluster) -> bool:
    """Whether the cluster's server runs and takes connections."""
    if _server_pid(cluster) is None:
        return False
    try:
        with socket.create_connection(("127.0.0.1", cluster.port), timeout=5):
            return True
    except (OSError, ValueError):
        return False


def stop(cluster: Cluster) -> bool:
    """Stop the cluster's server, ending its sessions; tell whether it ran."""
    if _server_pid(cluster) is None:
        return False
    _run(
        server_account("postgres"),
        [str(binaries(cluster) / "pg_ctl"), "-D", str(cluster.data), "-w", "-t", "60", "-m", "fast", "stop"],
        cwd=cluster.folder,
    )
    return True


def server_started_at(cluster: Cluster) -> tuple[int, float] | None:
    """Return pid and start (seconds since 1970) of the running server."""
    pid = _server_pid(cluster)
    if pid is None:
        return None
    lines = _pid_file(cluster)
    return pid, float(lines[2]) if len(lines) > 2 else time.time()


def _pid_file(cluster: Cluster) -> list[str]:
    try:
        return (cluster.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _server_pid(cluster: Cluster) -> int | None:
    """Return the server's pid if that process really is this cluster's server: a number may have been given out again."""
    lines = _pid_file(cluster)
    if not lines or not lines[0].lstrip("-").isdigit():
        return None
    pid = abs(int(lines[0]))
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    ours = b"postgres" in command[0] and os.fsencode(cluster.data) in command
    return pid if ours else None


def _remove_stale_pid(cluster: Cluster) -> None:
    """Delete the pid file of a server that is gone; PostgreSQL refuses to start when a stranger has its number."""
    if _pid_file(cluster) and _server_pid(cluster) is None:
        tell("· PostgreSQL was not stopped properly last time; it will recover")
        (cluster.data / "postmaster.pid").unlink(missing_ok=True)


def _make(cluster: Cluster, account: Account, programs: Path) -> None:
    for role in (ADMIN, APP):
        path = cluster.folder / f"{role}.password"
        if not path.exists():
            write_atomically(path, secrets.token_urlsafe(24) + "\n", owner=account.ids)
    made = cluster.folder / "data.tmp"
    shutil.rmtree(made, ignore_errors=True)
    command = [str(programs / "initdb"), "-D", str(made), "-U", ADMIN, "-A", "scram-sha-256"]
    command += [
        f"--pwfile={cluster.folder / f'{ADMIN}.password'}",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--data-checksums",
    ]
    if not cluster.durable:
        command.append("--no-sync")
    _run(account, command, cwd=cluster.folder)
    with (made / "postgresql.conf").open("a", encoding="utf-8") as handle:
        handle.write("\ninclude = '../mainline.conf'\n")
    made.rename(cluster.data)


def _choose_port(cluster: Cluster, account: Account) -> None:
    """Keep the recorded port while nobody has taken it; nothing but our own processes knows it."""
    try:
        if port_is_free(cluster.port):
            return
    except (OSError, ValueError):
        pass
    write_atomically(cluster.folder / "port", f"{free_port()}\n", mode=0o644, owner=account.ids)


def _write_settings(cluster: Cluster, account: Account) -> None:
    settings = {"port": str(cluster.port), **SETTINGS, **({} if cluster.durable else _NOT_DURABLE)}
    lines = [
        "# Written by the launcher at each start; put your own settings into data/postgresql.auto.conf (ALTER SYSTEM)."
    ]
    lines += [f"{key} = {value}" for key, value in settings.items()]
    write_atomically(cluster.folder / "mainline.conf", "\n".join(lines) + "\n", mode=0o644, owner=account.ids)


def _start(cluster: Cluster, account: Account, programs: Path) -> None:
    early_log = cluster.folder / "start.log"
    command = [
        str(programs / "pg_ctl"),
        "-D",
        str(cluster.data),
        "-w",
        "-t",
        str(START_PATIENCE_S),
        "-l",
        str(early_log),
        "start",
    ]
    try:
        _run(account, command, cwd=cluster.folder)
    except ProvisionError as error:
        words = early_log.read_text(errors="replace").splitlines()[-5:] if early_log.exists() else []
        raise ProvisionError("\n".join([f"PostgreSQL did not start; see {cluster.log}", *words])) from error


def _run(account: Account, command: list[str], *, cwd: Path) -> None:
    """Run one of PostgreSQL's programs as its account, quietly unless it fails.

    Its output goes to a file, not a pipe: the server that pg_ctl leaves behind would keep a pipe open for ever.
    """
    log = cwd / "command.log"
    with log.open("w", encoding="utf-8") as output:
        os.chown(log, *account.ids)
        status = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8", "HOME": str(cwd)},
            umask=0o077,
            check=False,
            **account.popen_arguments(),
        ).returncode
    if status != 0:
        said = log.read_text(encoding="utf-8", errors="replace").strip()
        raise ProvisionError(f"{Path(command[0]).name} failed ({status}): {said}")
