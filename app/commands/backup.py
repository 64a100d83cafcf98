"""`./mainline backup`: a workspace in one file."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from app.provision.backup import back_up
from app.provision.errors import ProvisionError
from app.provision.output import write_line


def run(options: argparse.Namespace) -> int:
    """Back the workspace up; an existing file is replaced only by a complete new one."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    file = options.out or Path(f"{options.workspace}-{stamp}.mainline")
    if not file.absolute().parent.is_dir():
        raise ProvisionError(f"{file}: there is no folder {file.absolute().parent}")
    back_up(options.workspace, file)
    write_line(str(file))
    return 0
