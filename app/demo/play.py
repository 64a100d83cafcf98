"""A demo from start to end: prepare the city, say where to look, run it, count it."""

import argparse
import asyncio
import contextlib
import signal
from pathlib import Path

from app.demo import city
from app.demo.client import DemoBroken
from app.demo.figures import Figures
from app.demo.run import Pace, Run
from app.demo.stage import Stage
from app.provision.errors import ProvisionError
from app.provision.output import write_json, write_line
from app.provision.progress import tell
from app.tuning import give_way

CREWS = 6


def run(options: argparse.Namespace) -> int:
    """Prepare the city, run it, count it."""
    crews = options.crews or CREWS
    minutes: float | None = options.minutes
    hours = None if minutes is None else minutes * options.speed / 60.0
    prepared = city.prepare(
        options.workspace, extract=options.city, crews=crews, speed=options.speed, hours=hours
    )
    _introduce(prepared.stage, prepared.folder, headless=options.headless, minutes=minutes)
    give_way()  # phones and callers have processors of their own
    running = Run(prepared.stage, prepared.town, Pace.for_fleet(crews), say=tell)
    try:
        figures = asyncio.run(_until_told(running, None if minutes is None else minutes * 60.0))
    except DemoBroken as broken:
        raise ProvisionError(f"demo: {broken}") from broken
    if figures is None:
        tell("· demo: the public and the fleet went home; servers keep running (./mainline down stops them)")
        return 0
    _report(figures, as_json=options.json)
    return 0


async def _until_told(running: Run, real_s: float | None) -> Figures | None:
    """Run to the end, or until Ctrl-C or a polite signal."""
    task = asyncio.create_task(running.play(real_s=real_s))
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        return await task
    return None


def _introduce(stage: Stage, folder: Path, *, headless: bool, minutes: float | None) -> None:
    """Say where to look and who may log in."""
    tell("")
    tell(f"  {stage.web_url}/console   the map; {stage.web_url}/desk   the telephone desk")
    for name, password in stage.passwords.items():
        tell(f"    {name:<12}{password}")
    tell(f"  (kept in {folder}, readable by you only)")
    if not headless:
        tell("  Open the address in a browser on this machine, or through: ssh -L PORT:127.0.0.1:PORT")
    tell(f"  {'Ctrl-C ends it.' if minutes is None else f'Calls come in for {minutes:g} minutes.'}")
    tell("")


def _report(figures: Figures, *, as_json: bool) -> None:
    if as_json:
        write_json(figures.as_json())
        return
    for key, value in figures.as_json().items():
        write_line(f"{key:<36}{value}")
