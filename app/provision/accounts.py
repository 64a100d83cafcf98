"""Who a server runs as: ourselves, or an unprivileged user when we are root."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from app.provision.errors import ProvisionError
from app.provision.state import as_root


class PopenUser(TypedDict, total=False):
    """The arguments with which `subprocess` changes user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int

    @property
    def ids(self) -> tuple[int, int]:
        """User and group id, as `chown` takes them."""
        return self.uid, self.gid

    def popen_arguments(self) -> PopenUser:
        """Arguments that make `subprocess` run as this user; none when we are that user already."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account(name: str) -> Account:
    """Return the account a server runs as: `name` (or nobody) for root, ourselves otherwise."""
    if not as_root():
        return Account("", os.geteuid(), os.getegid())
    for candidate in (name, "nobody"):
        try:
            entry = pwd.getpwnam(candidate)
        except KeyError:
            continue
        return Account(candidate, entry.pw_uid, entry.pw_gid)
    raise ProvisionError(f"this machine has no user {name!r} to run the server as; create it and try again")


def make_private_folder(path: Path, account: Account) -> Path:
    """Make a folder only `account` can enter, and see that it can be reached.

    Raises
    ------
    ProvisionError
        A folder above it is closed to the account (as /root is).
    """
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    if account.uid != os.geteuid():
        os.chown(path, *account.ids)
        for parent in path.parents:
            status = parent.stat()
            if status.st_uid != account.uid and not status.st_mode & 0o001:
                raise ProvisionError(
                    f"user {account.name} cannot reach {path}: {parent} is closed to others; "
                    "name another state folder with MAINLINE_STATE"
                )
    return path
