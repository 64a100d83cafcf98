"""Programs from the distribution: what is missing is installed by apt, as root or through sudo. Standard library only."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.provision.cluster import OLDEST_VERSION, installed_versions
from app.provision.errors import ProvisionError
from app.provision.progress import step, tell
from app.provision.state import as_root, port_is_free

SYSTEM_BROKER_PORT = 1883
_CREATECLUSTER = "/etc/postgresql-common/createcluster.conf"
_CREATECLUSTER_TEXT = (
    "# Written by Mainline's launcher: it keeps a cluster of its own.\ncreate_main_cluster = false\n"
)
_APT = ("apt-get", "-o", "DPkg::Lock::Timeout=300", "-q")
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class Need:
    """A program this product runs, and the Debian packages that bring it."""

    what: str
    packages: tuple[str, ...]
    present: Callable[[], bool]


def _on_path(program: str) -> bool:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_SBIN}") is not None


POSTGRES = Need(
    f"PostgreSQL {OLDEST_VERSION} or newer with PostGIS",
    (f"postgresql-{OLDEST_VERSION}-postgis-3",),
    lambda: bool(installed_versions()),
)
MOSQUITTO = Need("Mosquitto 2", ("mosquitto",), lambda: _on_path("mosquitto"))
CHROMIUM = Need("Chromium", ("chromium",), lambda: _on_path("chromium"))
CHINESE_FONTS = Need(
    "Noto CJK fonts",
    ("fonts-noto-cjk",),
    lambda: any(Path("/usr/share/fonts").glob("*/noto*/NotoSansCJK-Regular.ttc")),
)

GDAL_TOOLS = Need("GDAL's tools", ("gdal-bin",), lambda: _on_path("ogr2ogr"))


def ensure(needs: Sequence[Need]) -> None:
    """Install what is missing, with apt's progress on standard error.

    Raises
    ------
    ProvisionError
        No apt or no right to use it (the message lists what to install), or apt failed.
    """
    missing = [need for need in needs if not need.present()]
    if not missing:
        return
    names = [package for need in missing for package in need.packages]
    if shutil.which("apt-get") is None:
        what = "; ".join(need.what for need in missing)
        raise ProvisionError(
            f"missing: {what}. This system has no apt: install them by its own means, then try again"
        )
    prefix = _root_prefix(names)
    broker_port_was_free = port_is_free(SYSTEM_BROKER_PORT)
    with step(f"installing {', '.join(names)}"):
        _run([*prefix, *_APT, "update"], must_work=False)
        names = [_available(name) for name in names]
        if POSTGRES in missing:
            _want_no_system_cluster(prefix)
        _run([*prefix, *_APT, "install", "-y", "--no-install-recommends", *names], must_work=True)
    still = [need.what for need in missing if not need.present()]
    if still:
        raise ProvisionError(f"apt installed {', '.join(names)}, yet there is no {'; no '.join(still)}")
    if MOSQUITTO in missing and broker_port_was_free and not port_is_free(SYSTEM_BROKER_PORT):
        tell(
            f"  note: the mosquitto package started a broker of its own on port {SYSTEM_BROKER_PORT}; Mainline does not use it "
            "(`systemctl disable --now mosquitto` if nobody else does)"
        )


def _root_prefix(names: Sequence[str]) -> list[str]:
    """Return what to put before a command so that it runs as root."""
    environment = ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8"]
    if as_root():
        return environment
    if shutil.which("sudo") is not None:
        if subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0:
            return ["sudo", "-n", *environment]
        if sys.stdin.isatty():
            return ["sudo", *environment]
    raise ProvisionError(
        "packages are missing and installing them takes root. Ask an administrator to run:\n"
        "  apt-get install --no-install-recommends " + " ".join(names)
    )


def _want_no_system_cluster(prefix: Sequence[str]) -> None:
    """Keep the PostgreSQL packages from starting a server on 5432; a file that is there is somebody's decision."""
    if Path(_CREATECLUSTER).exists():
        return
    script = f'mkdir -p "$(dirname {_CREATECLUSTER})" && cat > {_CREATECLUSTER}'
    subprocess.run([*prefix, "sh", "-c", script], input=_CREATECLUSTER_TEXT, text=True, check=False)


def _available(package: str) -> str:
    """Return the package, or the same of the oldest later PostgreSQL this distribution has."""
    if not package.startswith("postgresql-"):
        return package
    listed = subprocess.run(
        ["apt-cache", "pkgnames", "postgresql-"], capture_output=True, text=True, check=False
    )
    found = {
        int(match[1]) for match in re.finditer(r"^postgresql-(\d+)-postgis-3$", listed.stdout, re.MULTILINE)
    }
    usable = sorted(version for version in found if version >= OLDEST_VERSION)
    return f"postgresql-{usable[0]}-postgis-3" if usable else package


def _run(command: Sequence[str], *, must_work: bool) -> None:
    status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode
    if status != 0 and must_work:
        raise ProvisionError(f"{' '.join(command)} failed ({status}); its last lines above say why")
