"""`./mainline status`: what runs, since when, where, and whether it answers."""

import argparse
import time
from dataclasses import asdict, dataclass

from app.provision import cluster, health, processes, workspace_settings
from app.provision.cluster import Cluster
from app.provision.output import write_json, write_line
from app.provision.processes import ProcessRecord
from app.provision.state import State, WorkspaceFolder, locate_state
from app.provision.stopping import SUPERVISOR

ORDER = (SUPERVISOR, "mosquitto", "web", "ingest", "triage", "worker")


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """One process as an operator sees it.

    Parameters
    ----------
    state
        `running`, `not answering` (alive, but its port, its health page or its heartbeat is silent), `down`.
    """

    name: str
    state: str
    pid: int | None = None
    uptime_s: float | None = None
    port: int | None = None
    restarts: int | None = None


def run(options: argparse.Namespace) -> int:
    """Print the state of everything, or of one workspace."""
    state = locate_state()
    folders = [state.workspace(options.workspace)] if options.workspace else state.workspaces()
    report: dict[str, object] = {
        "state": str(state.folder),
        "postgres": asdict(cluster_status(cluster.main_cluster(state))),
        "workspaces": [workspace_status(folder) for folder in folders],
    }
    if options.json:
        write_json(report)
    else:
        _write_table(state, folders, report)
    return 0


def cluster_status(private: Cluster) -> ProcessStatus:
    """Tell how the private database server is."""
    started = cluster.server_started_at(private)
    if started is None:
        return ProcessStatus("postgres", "down")
    answers = "running" if cluster.is_running(private) else "not answering"
    return ProcessStatus("postgres", answers, started[0], round(time.time() - started[1], 1), private.port)


def workspace_status(folder: WorkspaceFolder) -> dict[str, object]:
    """Tell how a workspace's processes are, with what its web process says of itself."""
    settings = workspace_settings.read(folder)
    url = health.web_url(settings) if "MAINLINE_WEB_PORT" in settings else None
    said = health.ask(url) if url is not None and processes.running(folder.run, "web") else None
    names = [
        name
        for name in ORDER
        if name != "mosquitto" or processes.read(folder.run, name) or folder.broker.exists()
    ]
    return {
        "name": folder.name,
        "web_url": url,
        "processes": [asdict(process_status(folder, name, web_answers=said is not None)) for name in names],
        "health": said,
    }


def process_status(folder: WorkspaceFolder, name: str, *, web_answers: bool) -> ProcessStatus:
    """Tell how one process is."""
    entry = processes.running(folder.run, name)
    if entry is None:
        return ProcessStatus(name, "down")
    answers = "running" if _answers(folder, entry, web_answers=web_answers) else "not answering"
    return ProcessStatus(
        name, answers, entry.pid, round(time.time() - entry.started_at, 1), entry.port, entry.restarts
    )


def _answers(folder: WorkspaceFolder, entry: ProcessRecord, *, web_answers: bool) -> bool:
    if entry.name == "web":
        return web_answers
    if entry.port is not None:
        return health.listens(entry.port)
    return entry.name == SUPERVISOR or health.beats(folder.run, entry)


def _write_table(state: State, folders: list[WorkspaceFolder], report: dict[str, object]) -> None:
    write_line(f"state folder  {state.folder}")
    write_line(_row(report["postgres"]))
    if not folders:
        write_line("no workspace yet: ./mainline up makes one, ./mainline demo fills one")
    for workspace in report["workspaces"] if isinstance(report["workspaces"], list) else []:
        said = workspace["health"]
        write_line("")
        write_line(f"workspace {workspace['name']}  {workspace['web_url'] or ''}")
        for process in workspace["processes"]:
            write_line(_row(process))
        if isinstance(said, dict):
            write_line("  " + "  ".join(f"{key}={value}" for key, value in said.items()))


def _row(process: object) -> str:
    if not isinstance(process, dict):
        return ""
    if process["pid"] is None:
        return f"  {process['name']:<12}{process['state']}"
    port = f"port {process['port']}" if process["port"] else ""
    restarts = f"restarted {process['restarts']}×" if process["restarts"] else ""
    return f"  {process['name']:<12}{process['state']:<15}pid {process['pid']:<9}{_span(process['uptime_s']):<10}{port:<12}{restarts}".rstrip()


def _span(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
