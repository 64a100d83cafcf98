"""The rival: density in space and time (ST-DBSCAN) over the latest hours, anew with each call, and a plain rule for repeats.

A call that has enough others about it, near and soon, is the core of a cluster; a cluster is what hangs together by cores. A call is labelled when it
arrives: with the label its cluster has, or alone. Those of the cluster that stood alone or in another one go with it. Same account, or same address and no
two different accounts, with the same category within a week: a repeat.

References
----------
Birant and Kut (2007), ST-DBSCAN: An algorithm for clustering spatial-temporal data.
"""

import csv
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

REACH_M: Final = 400.0
REACH_H: Final = 1.5
CORE_CALLS: Final = 4
"""A call that has so many about it, itself included, is a core."""
LATEST_H: Final = 6.0
ALARM_CALLS: Final = 5
REPEAT: Final = timedelta(days=7)
METRES_PER_DEGREE: Final = 111_195.0


@dataclass(eq=False, slots=True)
class Heard:
    """A call, and where it stands."""

    id: str
    at: datetime
    category: str
    customer: str
    address: str
    hour: float
    x: float
    y: float
    label: str
    cluster: str = ""
    arrived_as: str = ""
    repeat_of: str = ""


@dataclass
class Density:
    """Takes calls in order of time."""

    calls: list[Heard] = field(default_factory=list)
    alarms: list[tuple[str, datetime, list[str]]] = field(default_factory=list)
    _latest: deque[Heard] = field(default_factory=deque)
    _raised: set[str] = field(default_factory=set)
    _by_customer: dict[str, list[Heard]] = field(default_factory=lambda: defaultdict(list))
    _by_address: dict[str, list[Heard]] = field(default_factory=lambda: defaultdict(list))

    def take(self, row: dict[str, str]) -> Heard:
        """Decide about one call."""
        at, lat = datetime.fromisoformat(row["reported_at"]), float(row["lat"])
        call = Heard(
            row["report_id"],
            at,
            row["category"],
            row["customer_id"],
            row["address_id"],
            hour=at.timestamp() / 3600.0,
            x=float(row["lon"]) * METRES_PER_DEGREE * float(np.cos(np.radians(lat))),
            y=lat * METRES_PER_DEGREE,
            label=row["report_id"],
        )
        self.calls.append(call)
        while self._latest and call.hour - self._latest[0].hour > LATEST_H:
            self._latest.popleft()
        self._latest.append(call)
        self._cluster(call)
        self._repeat(call)
        call.arrived_as = call.label
        return call

    def _cluster(self, call: Heard) -> None:
        """Find the cluster of the newest call, and let what stood alone join it."""
        calls = list(self._latest)
        x, y, hour = (np.array([getattr(one, key) for one in calls]) for key in ("x", "y", "hour"))
        near = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2 <= REACH_M**2
        near &= np.abs(hour[:, None] - hour) <= REACH_H
        core = near.sum(axis=1) >= CORE_CALLS
        reached = np.zeros(len(calls), dtype=bool)
        edge = near[-1] & core
        while edge.any():
            reached |= edge
            edge = near[edge].any(axis=0) & core & ~reached
        if not reached.any():
            return
        reached = near[reached].any(axis=0)
        members = [one for one, is_in in zip(calls, reached.tolist(), strict=True) if is_in]
        label = next((one.cluster for one in members if one.cluster), members[0].id)
        for one in members:
            if one.cluster != label:
                one.label = one.cluster = label
        if label not in self._raised:
            its = [one for one in calls if one.cluster == label]
            if len(its) >= ALARM_CALLS:
                self._raised.add(label)
                self.alarms.append((label, call.at, [one.id for one in its]))

    def _repeat(self, call: Heard) -> None:
        before = [*self._by_customer.get(call.customer, ()), *self._by_address.get(call.address, ())]
        same = [
            one
            for one in before
            if one.category == call.category
            and call.at - one.at <= REPEAT
            and (not call.customer or not one.customer or call.customer == one.customer)
        ]
        if same:
            latest = max(same, key=lambda one: one.at)
            call.repeat_of = latest.repeat_of or latest.id
            if not call.cluster:
                call.label = latest.label
        if call.customer:
            self._by_customer[call.customer].append(call)
        if call.address:
            self._by_address[call.address].append(call)

    def write(self, out: Path) -> None:
        """Write what was decided as the kit's score reads it."""
        out.mkdir(parents=True, exist_ok=True)
        with (out / "assignments.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("report_id", "incident_id_on_arrival", "incident_id", "repeat_of"))
            rows.writerows((one.id, one.arrived_as, one.label, one.repeat_of) for one in self.calls)
        with (out / "alarms.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("incident_id", "raised_at", "report_ids"))
            rows.writerows((label, at.isoformat(), " ".join(ids)) for label, at, ids in self.alarms)
