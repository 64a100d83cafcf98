"""`./mainline down`: stop what we started and nothing else."""

import argparse

from app.provision import cluster, stopping
from app.provision.progress import tell
from app.provision.state import locate_state, locked


def run(options: argparse.Namespace) -> int:
    """Stop every workspace and the private clusters; with `--workspace`, only that workspace's processes."""
    state = locate_state()
    if not state.folder.is_dir():
        tell("nothing was ever started here")
        return 0
    with locked(state):
        names = [options.workspace] if options.workspace else [folder.name for folder in state.workspaces()]
        stopped = [name for name in names if stopping.stop_processes(state.workspace(name))]
        clusters = [] if options.workspace else [cluster.main_cluster(state), cluster.test_cluster(state)]
        servers = [each.folder.name for each in clusters if cluster.stop(each)]
    tell(f"stopped: {', '.join(stopped + servers)}" if stopped or servers else "nothing was running")
    return 0
