"""`./mainline up`: bring a workspace up and say where it answers."""

import argparse

from app.provision import workspaces
from app.provision.output import write_line


def run(options: argparse.Namespace) -> int:
    """Bring the workspace up; a second time this takes a moment."""
    running = workspaces.ensure_up(options.workspace, build_web=not options.no_pages)
    write_line(f"{running.name}: {running.web_url}")
    return 0
