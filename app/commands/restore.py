"""`./mainline restore`: make a workspace what a backup says."""

import argparse

from app.provision.backup import restore
from app.provision.output import write_line


def run(options: argparse.Namespace) -> int:
    """Restore into the named workspace; its processes stay down until `up`."""
    manifest = restore(options.workspace, options.file, force=options.force)
    write_line(
        f"{options.workspace}: as {manifest.workspace} was at {manifest.made_at}; ./mainline --workspace {options.workspace} up starts it"
    )
    return 0
