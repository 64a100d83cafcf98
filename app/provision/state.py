"""The state folder: where everything lives that is not in the checkout.

Only the standard library is used here: `down`, `status` and `logs` must work before anything is installed.
"""

import fcntl
import os
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app.provision.errors import ProvisionError
from app.provision.progress import tell

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER_MODE = 0o711
"""Others may pass through to what is theirs (the servers drop to unprivileged users), not look around."""
SECRET_MODE = 0o600

_WORKSPACE_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_held: dict[Path, int] = {}


def as_root() -> bool:
    """Whether this process may start servers as other users."""
    return os.geteuid() == 0


def default_folder() -> Path:
    """Where the state folder is when `MAINLINE_STATE` does not say."""
    if as_root():
        return Path("/var/lib/mainline")
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "mainline"


@dataclass(frozen=True, slots=True)
class WorkspaceFolder:
    """What one workspace keeps on disk beside its database."""

    name: str
    folder: Path

    @property
    def settings_file(self) -> Path:
        """Secrets and ports of the workspace, `KEY=value` lines, readable by its owner only."""
        return self.folder / "settings.env"

    @property
    def broker(self) -> Path:
        """Configuration, passwords and persistence of the workspace's Mosquitto."""
        return self.folder / "mosquitto"

    @property
    def logs(self) -> Path:
        """One log a process, turned over by size."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """Records of running processes and their heartbeats."""
        return self.folder / "run"

    @property
    def database(self) -> str:
        """Name of the workspace's database in the private cluster."""
        return f"mainline_{self.name}"


@dataclass(frozen=True, slots=True)
class State:
    """The state folder and the places in it."""

    folder: Path

    @property
    def lock_file(self) -> Path:
        """Held by whoever provides; never by a server."""
        return self.folder / "lock"

    @property
    def environments(self) -> Path:
        """Python environments, one a set of requirements."""
        return self.folder / "venv"

    @property
    def pages(self) -> Path:
        """Built pages, one folder a state of `web/`."""
        return self.folder / "web"

    @property
    def cities(self) -> Path:
        """Built demo cities."""
        return self.folder / "cities"

    @property
    def cache(self) -> Path:
        """Downloads kept so that the next build is quick; may be deleted."""
        return self.folder / "cache"

    def workspace(self, name: str) -> WorkspaceFolder:
        """Return the places of one workspace, whether or not it exists yet."""
        if not _WORKSPACE_NAME.fullmatch(name):
            raise ProvisionError(
                f"workspace {name!r}: a name starts with a small letter and has up to 40 of a-z, 0-9 and _"
            )
        return WorkspaceFolder(name, self.folder / "workspaces" / name)

    def workspaces(self) -> list[WorkspaceFolder]:
        """Every workspace that has settings, by name."""
        found = sorted((self.folder / "workspaces").glob("*/settings.env"))
        return [self.workspace(path.parent.name) for path in found]


def locate_state() -> State:
    """Name the state folder without making it."""
    given = os.environ.get("MAINLINE_STATE")
    return State(Path(given).expanduser().absolute() if given else default_folder())


def open_state() -> State:
    """Make the state folder when it is missing and check that it can be used.

    Raises
    ------
    ProvisionError
        It belongs to somebody else, or cannot be made.
    """
    state = locate_state()
    try:
        make_folder(state.folder)
    except OSError as error:
        raise ProvisionError(
            f"state folder {state.folder}: {error.strerror}; name another with MAINLINE_STATE"
        ) from error
    owner = state.folder.stat().st_uid
    if not as_root() and owner != os.geteuid():
        raise ProvisionError(
            f"state folder {state.folder} belongs to user {owner}; name another with MAINLINE_STATE"
        )
    return state


def make_folder(path: Path, *, mode: int = FOLDER_MODE) -> Path:
    """Make a folder and its parents, with `mode` whatever the umask says."""
    if path.is_dir():
        return path
    if not path.parent.is_dir():
        make_folder(path.parent)
    with suppress(FileExistsError):
        path.mkdir()
        path.chmod(mode)
    return path


@contextmanager
def locked(state: State) -> Iterator[None]:
    """Hold the state folder for this process, waiting for another launcher to finish.

    The descriptor is closed on exec, so that no server ever holds the lock; taking it twice in one process is allowed.
    """
    if _held.get(state.lock_file, 0):
        _held[state.lock_file] += 1
        try:
            yield
        finally:
            _held[state.lock_file] -= 1
        return
    make_folder(state.folder)
    with state.lock_file.open("a") as handle:
        if not _try_lock(handle.fileno()):
            tell("· another launcher is at work in this state folder; waiting for it …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        _held[state.lock_file] = 1
        try:
            yield
        finally:
            del _held[state.lock_file]


@contextmanager
def locked_if_free(state: State) -> Iterator[bool]:
    """Hold the state folder if nobody else does; tell whether it is held."""
    with state.lock_file.open("a") as handle:
        yield _try_lock(handle.fileno())


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_atomically(
    path: Path, text: str, *, mode: int = SECRET_MODE, owner: tuple[int, int] | None = None
) -> None:
    """Replace a file as a whole, so that a reader or a crash meets the old or the new text, never a part.

    Parameters
    ----------
    mode
        Permissions, set before anything is written.
    owner
        User and group id of the server that reads it, where that is not us.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            os.fchmod(handle.fileno(), mode)
            if owner is not None:
                os.fchown(handle.fileno(), *owner)
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def port_is_free(port: int, *, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on a port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(*, preferred: range = range(0), taken: frozenset[int] = frozenset()) -> int:
    """Find a loopback port nobody listens on: the first of `preferred`, else any; never one of `taken`."""
    for port in preferred:
        if port not in taken and port_is_free(port):
            return port
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port
