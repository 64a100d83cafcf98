"""The private Mosquitto of a workspace: configuration, who may connect, what they may say.

Standard library only. What a killed broker may lose is told in docs/operations.md, "What a killed broker may lose".
"""

import os
import re
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.provision.accounts import Account, make_private_folder, server_account
from app.provision.errors import ProvisionError
from app.provision.state import write_atomically
from tracker.broker_password import mosquitto_hash

INGEST = "ingest"
"""The user that reads every position; its session outlives its process, so that the broker keeps what it misses."""
PUBLISHER = "publisher"
"""The user that tells crews of their jobs."""
SERVICE_USERS = (INGEST, PUBLISHER)

AUTOSAVE_INTERVAL_S = 10
"""How often sessions and queues go to disk: what a *killed* broker may lose at most."""
QUEUE_MESSAGES_MAX = 1_000_000
"""Messages kept for an absent ingest: a fleet of 500 reporting each five seconds for almost three hours."""
INFLIGHT_MESSAGES_MAX = 2_000
"""Unacknowledged messages at once; above ingest's batch, or batches would never fill."""
SESSION_EXPIRY_DAYS = 14
"""After this long a phone that never came back is forgotten with its queue."""
MESSAGE_BYTES_MAX = 262_144

_UNSAFE_IN_NAME = re.compile(r"[+#/:\s]|^$")


@dataclass(frozen=True, slots=True)
class Broker:
    """The folder of one private broker."""

    folder: Path

    @property
    def configuration(self) -> Path:
        """What the broker is started with."""
        return self.folder / "mosquitto.conf"

    @property
    def passwords(self) -> Path:
        """Users and hashes of their passwords."""
        return self.folder / "passwords"

    @property
    def acl(self) -> Path:
        """Who may read and write which topics."""
        return self.folder / "acl"

    @property
    def store(self) -> Path:
        """Folder of sessions and queues."""
        return self.folder / "store"

    @property
    def pid_file(self) -> Path:
        """Written by the broker itself."""
        return self.folder / "mosquitto.pid"


def program() -> str:
    """Find the broker's program.

    Raises
    ------
    ProvisionError
        It is not installed.
    """
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise ProvisionError("no Mosquitto on this machine; install mosquitto")
    return found


def account() -> Account:
    """Who the broker runs as."""
    return server_account("mosquitto")


def configure(
    broker: Broker,
    *,
    port: int,
    service_passwords: Mapping[str, str],
    crews: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
) -> None:
    """Write the broker's configuration, ACL and password file.

    Parameters
    ----------
    service_passwords
        Passwords of `SERVICE_USERS`.
    crews
        As for `write_credentials`; nobody when None.
    """
    owner = account()
    make_private_folder(broker.folder, owner)
    make_private_folder(broker.store, owner)
    write_atomically(broker.configuration, configuration_text(broker, port=port, host=host), owner=owner.ids)
    write_atomically(broker.acl, acl_text(), owner=owner.ids)
    crews = crews or {}
    _refuse_unsafe(crews)
    services = {user: mosquitto_hash(service_passwords[user]) for user in SERVICE_USERS}
    _write_passwords(broker, services | dict(crews))


def configuration_text(broker: Broker, *, port: int, host: str) -> str:
    """Compose mosquitto.conf."""
    return f"""# Written by the launcher at each start.
listener {port} {host}
allow_anonymous false
password_file {broker.passwords}
acl_file {broker.acl}

# An absent ingest or crew loses nothing while the broker lives; see docs/operations.md for one that is killed.
persistence true
persistence_location {broker.store}/
autosave_interval {AUTOSAVE_INTERVAL_S}
persistent_client_expiration {SESSION_EXPIRY_DAYS}d
max_queued_messages {QUEUE_MESSAGES_MAX}
max_queued_bytes 0
max_inflight_messages {INFLIGHT_MESSAGES_MAX}
message_size_limit {MESSAGE_BYTES_MAX}
set_tcp_nodelay true

pid_file {broker.pid_file}
log_dest stderr
log_type error
log_type warning
log_type notice
connection_messages true
"""


def acl_text() -> str:
    """Compose the ACL: a crew speaks under its own name and hears its own jobs."""
    services = "\n".join(f"user {user}\ntopic readwrite #\n" for user in SERVICE_USERS)
    return f"{services}\npattern write owntracks/%u/#\npattern read crews/%u/#\n"


def write_credentials(broker: Broker, users: Mapping[str, str]) -> None:
    """Replace the crews that may connect, and have the broker take note.

    Parameters
    ----------
    users
        Crew's user name -> hash made by `tracker.broker_password.mosquitto_hash`; whoever is left out is shut out. The product's own users stay.

    Raises
    ------
    ValueError
        A name holds a character that means something in topics or in the password file.
    """
    _refuse_unsafe(users)
    services = {user: known for user, known in read_credentials(broker).items() if user in SERVICE_USERS}
    _write_passwords(broker, services | dict(users))
    reload(broker)


def read_credentials(broker: Broker) -> dict[str, str]:
    """Read the password file: user -> hash; empty when there is none."""
    try:
        lines = broker.passwords.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return dict(line.split(":", 1) for line in lines if ":" in line)


def reload(broker: Broker) -> bool:
    """Have a running broker read its password file and ACL again; tell whether one was there to hear."""
    try:
        pid = int(broker.pid_file.read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return False
    if os.fsencode(broker.configuration) not in command:
        return False  # another process has the number of a broker that is gone
    os.kill(pid, signal.SIGHUP)
    return True


def _refuse_unsafe(users: Mapping[str, str]) -> None:
    for user in users:
        if _UNSAFE_IN_NAME.search(user) or user in SERVICE_USERS:
            raise ValueError(f"{user!r} cannot be a broker's user name")


def _write_passwords(broker: Broker, users: Mapping[str, str]) -> None:
    text = "".join(f"{user}:{known}\n" for user, known in sorted(users.items()))
    # The folder's owner is the broker's user, also where this runs in another container than the broker.
    status = broker.folder.stat()
    owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else None
    write_atomically(broker.passwords, text, owner=owner)
