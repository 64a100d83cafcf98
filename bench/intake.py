"""From posting a report until its place, its incident and the ranked crews with a route can be read.

One person posts reports one after the other while the demo's public calls and its fleet drives; the time of one report runs from before
the POST until an answer with a route has been read. Where all crews are bound there is no way to draw; such reports are counted apart.
What is new by such a report is dismissed again after it was timed, so that the city's crews are not drowned in the benchmark's calls.
"""

import json
import random
import time
from collections import Counter
from datetime import UTC, datetime

import httpx

from app.commands.bench import machine
from app.demo.bundles import read_town
from app.demo.stage import Stage
from app.demo.town import Town
from bench._demo import SPEED, running_demo

REPORTS = 220
WARM_UP = 20
"""Posted before the measuring: the first requests open connections and fill caches."""
PACE_S = 0.6
"""Between two reports."""
POLL_S = 0.01
"""Between two looks for the incident; more often would only take the processor from those who find it."""
PATIENCE_S = 20.0
SEED = 11
NO_PLACE, NO_CREW = "no place", "no crew"
SETTLE_S = 10.0
"""For the fleet to be on the road."""


def main() -> None:
    with running_demo() as stage:
        town = read_town(stage.bundle)
        time.sleep(SETTLE_S)
        print(json.dumps(measure(stage, town)))


def measure(stage: Stage, town: Town) -> dict[str, object]:
    rng = random.Random(SEED)
    taken_ms: list[float] = []
    posted_ms: list[float] = []
    attached_ms: list[float] = []
    missed: Counter[str] = Counter()
    with httpx.Client(base_url=stage.web_url, timeout=PATIENCE_S, trust_env=False) as client:
        client.headers["Authorization"] = f"Bearer {log_in(client, stage)}"
        client.cookies.clear()
        for number in range(WARM_UP + REPORTS):
            steps = one_report(client, town, rng)
            if isinstance(steps, str):
                missed[steps] += 1
            elif number >= WARM_UP:
                posted_ms.append(steps[0])
                attached_ms.append(steps[1])
                taken_ms.append(steps[2])
            time.sleep(rng.uniform(0.5, 1.5) * PACE_S)
    return {
        "bench": "intake",
        "date": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "n": len(taken_ms),
        "p50_ms": quantile(taken_ms, 0.50),
        "p95_ms": quantile(taken_ms, 0.95),
        "p99_ms": quantile(taken_ms, 0.99),
        "max_ms": round(max(taken_ms), 1),
        "posted_p50_ms": quantile(posted_ms, 0.50),
        "posted_p95_ms": quantile(posted_ms, 0.95),
        "in_incident_p50_ms": quantile(attached_ms, 0.50),
        "in_incident_p95_ms": quantile(attached_ms, 0.95),
        "without_place": missed[NO_PLACE],
        "no_crew_free": missed[NO_CREW],
        "customers": town.customer_count,
        "pipes": town.pipe_count,
        "crews": len(stage.crews),
        "speed": SPEED,
    }


def one_report(client: httpx.Client, town: Town, rng: random.Random) -> tuple[float, float, float] | str:
    """Post one report and wait; milliseconds until it was taken, in an incident, and its crews were ranked; or why it does not count."""
    body = report_body(town, rng)
    began = time.perf_counter()
    answer = client.post("/api/reports", json=body)
    answer.raise_for_status()
    posted = time.perf_counter()
    report = answer.json()
    if report["state"] != "located":
        return NO_PLACE
    while report["incident_id"] is None:
        if time.perf_counter() - began > PATIENCE_S:
            raise SystemExit(f"report {report['number']} was in no incident after {PATIENCE_S:g} s")
        time.sleep(POLL_S)
        report = client.get(f"/api/reports/{report['id']}").raise_for_status().json()
    attached = time.perf_counter()
    crews = client.get(f"/api/incidents/{report['incident_id']}/crews").raise_for_status().json()["ranked"]
    done = time.perf_counter()
    take_back(client, report["incident_id"])
    if not any(crew["eligible"] for crew in crews):
        return NO_CREW
    if not crews[0].get("route"):
        raise SystemExit(f"report {report['number']}: the first crew has no route")
    return 1000.0 * (posted - began), 1000.0 * (attached - began), 1000.0 * (done - began)


def take_back(client: httpx.Client, incident_id: str) -> None:
    """Dismiss an incident that is about this report alone; the work nobody has taken is called off with it."""
    incident = client.get(f"/api/incidents/{incident_id}").raise_for_status().json()
    if len(incident["reports"]) == 1:
        client.post(
            f"/api/incidents/{incident_id}/dismiss", json={"why": "bench"}
        )  # too late where a crew is bound


def report_body(town: Town, rng: random.Random) -> dict[str, object]:
    """Make up a report: by account, by address, or by point."""
    customer = town.customer(rng.randrange(town.customer_count))
    body: dict[str, object] = {
        "channel": "phone",
        "category": rng.choice(("no_water", "low_pressure", "leak")),
        "description": "bench: one report, taken while the city runs",
        "caller": {"name": customer.name, "phone": customer.phone},
    }
    match rng.randrange(3):
        case 0:
            body["account_no"] = customer.account_no
        case 1:
            body["address_text"] = f"{customer.street} {customer.house_number}"
        case _:
            body["point"] = {"lon": customer.home.lon, "lat": customer.home.lat, "datum": "wgs84"}
    return body


def log_in(client: httpx.Client, stage: Stage) -> str:
    answer = client.post(
        "/api/login", json={"username": "supervisor", "password": stage.passwords["supervisor"]}
    )
    return str(answer.raise_for_status().json()["access_token"])


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else float("nan")


if __name__ == "__main__":
    main()
