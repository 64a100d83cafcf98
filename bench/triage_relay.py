"""How many located reports a second triage carries from the outbox into incidents, with all that a caller waits for, and what a new start costs.

A city built for the demo (`MAINLINE_BENCH_CITY`, Helsinki's centre otherwise) gets reports of customers drawn at random, as many a day as are taken for
usual, and one burst in forty of them. They are taken as the desk takes them, each in a transaction of its own; then one relay handles the triage lane as the
triage process does: decision, incident, case, repeats, commits to disk. Work orders and crews are another process's.

Prints one JSON object, its keys
    reports, incidents
    taken_per_s                   reports taken, one after the other
    relay_events_per_s            events of the lane handled, all kinds
    relay_reports_per_s           reports put into their incidents
    restored_s                    a new start: the reports of the last days taken again
"""

import json
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.commands.bench import machine
from app.demo.bundles import ensure_bundle, ensure_template
from app.provision import cluster, postgres
from app.provision.state import open_state
from app.subscriptions import SUBSCRIPTIONS, TRIAGE_LANE
from app.tuning import make_responsive
from core import clock, logs
from core.clock import Clock, real_now
from core.db import SessionFactory, session_factory, transaction
from core.outbox import LOCK_WAIT_MS, handle_batch
from core.settings import get_settings
from dispatch.models import Incident
from dispatch.triage import live
from gis.models import CustomerAccount
from hotline.intake import NewReport, Whereabouts, take_report
from hotline.models import Category, Channel

DATABASE = "mainline_benchtriage"
REPORTS = 1_000
BURST_EVERY = 40
BURST_CALLS = 8
SEED = 5


BLOCK = 100
"""Reports taken before the relay's turn: a storm's worth."""


def main() -> None:
    private = cluster.main_cluster(open_state())
    cluster.ensure_running(private)
    city = os.environ.get("MAINLINE_BENCH_CITY")
    template = ensure_template(private, ensure_bundle(open_state(), Path(city) if city else None))
    postgres.drop_database(private, DATABASE)
    postgres.create_database(private, DATABASE, template=template)
    try:
        url = postgres.database_url(private, DATABASE)
        os.environ |= {"DATABASE_URL": url, "MAINLINE_TOKEN_SECRET": secrets.token_hex(32)}
        print(json.dumps(measure(session_factory(url, pool_size=2, lock_wait_ms=LOCK_WAIT_MS))))
    finally:
        postgres.drop_database(private, DATABASE)


def measure(factory: SessionFactory) -> dict[str, object]:
    logs.configure("bench", level="WARNING")
    settings, rng = get_settings(), np.random.default_rng(SEED)
    with factory() as session:
        accounts = session.scalars(
            select(CustomerAccount.account_no).order_by(CustomerAccount.account_no)
        ).all()
        warm_up(session)
    make_responsive(factory)
    every_s = 86_400.0 / (settings.triage_background_per_1000_day / 1000.0 * len(accounts))
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    taken_s = relay_s = 0.0
    events = 0
    chosen = list(islice(drawn(accounts, rng), REPORTS))
    for start in range(0, REPORTS, BLOCK):
        began = time.perf_counter()
        for account_no, category in chosen[start : start + BLOCK]:
            now += timedelta(seconds=float(rng.exponential(every_s)))
            clock.use(Clock(real_now(), now, 1e-9))
            new = NewReport(Channel.PHONE, category, whereabouts=Whereabouts(account_no=account_no))
            with transaction(factory) as session:
                take_report(session, settings, new)
        taken_s += time.perf_counter() - began
        began = time.perf_counter()
        while True:
            batch = handle_batch(
                factory,
                SUBSCRIPTIONS,
                batch=settings.relay_batch_events,
                attempts_max=settings.event_attempts_max,
                retry_s=settings.event_retry_s,
                only=TRIAGE_LANE,
            )
            events += batch.taken
            if batch.is_drained:
                break
        relay_s += time.perf_counter() - began
    live.forget()
    began = time.perf_counter()
    with factory() as session:
        live.current_live(session, settings)
        restored_s = time.perf_counter() - began
        incidents = session.scalar(select(func.count()).select_from(Incident))
    return {
        "bench": "triage_relay",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "customers": len(accounts),
        "reports": REPORTS,
        "incidents": incidents,
        "taken_per_s": round(REPORTS / taken_s, 1),
        "relay_events_per_s": round(events / relay_s, 1),
        "relay_reports_per_s": round(REPORTS / relay_s, 1),
        "restored_s": round(restored_s, 2),
    }


def drawn(accounts: Sequence[str], rng: np.random.Generator) -> Iterator[tuple[str, Category]]:
    """Draw who calls about what: strangers, and now and then some neighbours of one main."""
    categories = [Category.NO_WATER, Category.LOW_PRESSURE, Category.LEAK, Category.WATER_QUALITY]
    while True:
        for _ in range(BURST_EVERY):
            yield accounts[int(rng.integers(len(accounts)))], categories[int(rng.integers(len(categories)))]
        first = int(rng.integers(len(accounts) - BURST_CALLS))
        for account in accounts[first : first + BURST_CALLS]:
            yield account, Category.NO_WATER


def warm_up(session: Session) -> None:
    """Read town and network, as triage does before its first report."""
    live.current_live(session, get_settings())


if __name__ == "__main__":
    main()
