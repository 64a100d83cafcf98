"""Taking a workspace's processes down. Standard library only."""

from app.provision import processes
from app.provision.state import WorkspaceFolder

SUPERVISOR = "supervisor"
PROCESS_PATIENCE_S = 8.0
BROKER_PATIENCE_S = 10.0
"""A broker writes its sessions and queues before it ends."""
SUPERVISOR_PATIENCE_S = PROCESS_PATIENCE_S + BROKER_PATIENCE_S + 5.0


def stop_processes(folder: WorkspaceFolder) -> bool:
    """End a workspace's supervisor and with it its processes; tell whether any ran. Its database stays."""
    entry = processes.running(folder.run, SUPERVISOR)
    asked = entry is not None and processes.end(entry, patience_s=SUPERVISOR_PATIENCE_S)
    for name in processes.names(folder.run):  # what a killed supervisor left
        leftover = processes.running(folder.run, name)
        if leftover is not None:
            asked = processes.end(leftover, patience_s=PROCESS_PATIENCE_S) or asked
        processes.forget(folder.run, name)
    return asked
