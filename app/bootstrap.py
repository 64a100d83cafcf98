"""From a bare Python to the command line: programs from apt, then the Python environment, then `app.cli` inside it.

Standard library only. `status`, `down`, `logs` and help need nothing installed and are handed over at once.
"""

import os
import sys
from pathlib import Path

from app.cli import COMMANDS, Provides, parse
from app.provision import packages, python_env
from app.provision.errors import ProvisionError
from app.provision.packages import Need
from app.provision.state import locked, open_state


def needed_programs(provides: Provides) -> list[Need]:
    """Name the programs a command runs; servers named by the environment are not ours to install."""
    testing = provides is Provides.TEST
    needs = []
    if testing or not os.environ.get("DATABASE_URL"):
        needs.append(packages.POSTGRES)
    if testing or not os.environ.get("MQTT_URL"):
        needs.append(packages.MOSQUITTO)
    if testing:
        needs += [packages.CHROMIUM, packages.CHINESE_FONTS, packages.GDAL_TOOLS]
    return needs


def prepare(provides: Provides) -> Path:
    """Install what a command needs; return the Python to run it with."""
    if provides is Provides.NOTHING:
        return Path(sys.executable)
    requirements = python_env.TEST if provides is Provides.TEST else python_env.RUN
    needs = needed_programs(provides)
    state = open_state()
    environment = python_env.environment_folder(state, requirements)
    if not (python_env.is_complete(environment) and all(need.present() for need in needs)):
        with locked(state):
            packages.ensure(needs)
            python_env.ensure(state, requirements)
    return python_env.python_of(environment)


def main(arguments: list[str]) -> int:
    """Prepare and hand over; returns only when that failed."""
    wanted = COMMANDS[parse(arguments).command]
    try:
        python = prepare(wanted.provides)
    except ProvisionError as error:
        print(f"mainline: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("mainline: interrupted; the next start takes up from here", file=sys.stderr)
        return 130
    os.execv(python, [str(python), "-P", "-m", "app.cli", *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
