"""A demo to measure in: its city, its public and its fleet run beside the benchmark, as in life."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.demo.stage import Stage
from app.provision import workspaces
from app.provision.state import CHECKOUT, open_state

WORKSPACE = "bench"
SPEED = float(os.environ.get("MAINLINE_BENCH_SPEED", "60"))
READY = "Ctrl-C ends it."
"""What the demo says when people may call."""
START_PATIENCE_S = 1800.0
END_PATIENCE_S = 30.0


@contextmanager
def running_demo() -> Iterator[Stage]:
    """Run a demo until the block ends.

    `MAINLINE_BENCH_CITY` names another extract than the one that comes with us, `MAINLINE_BENCH_CREWS` how many crews drive,
    `MAINLINE_BENCH_SPEED` how many times faster than life the city runs.
    """
    command = [sys.executable, "-P", "-m", "app.cli", "--workspace", WORKSPACE, "demo", "--headless"]
    command += ["--speed", f"{SPEED:g}"]
    for option, variable in (("--city", "MAINLINE_BENCH_CITY"), ("--crews", "MAINLINE_BENCH_CREWS")):
        if os.environ.get(variable):
            command += [option, os.environ[variable]]
    demo = subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    is_ready = threading.Event()
    reader = threading.Thread(target=_pass_on, args=(demo, is_ready), daemon=True)
    reader.start()
    try:
        if not is_ready.wait(START_PATIENCE_S) or demo.poll() is not None:
            raise SystemExit(f"the demo did not start ({demo.poll()})")
        yield Stage.load(Path(open_state().workspace(WORKSPACE).folder))
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGINT)
            try:
                demo.wait(END_PATIENCE_S)
            except subprocess.TimeoutExpired:
                demo.kill()
                demo.wait()
        workspaces.stop_processes(WORKSPACE)


def _pass_on(demo: "subprocess.Popen[str]", is_ready: threading.Event) -> None:
    assert demo.stderr is not None
    for line in demo.stderr:
        sys.stderr.write(line)
        if READY in line:
            is_ready.set()
    is_ready.set()  # it ended: whoever waits looks why
