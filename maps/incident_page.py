"""An incident as one HTML page that loads with no network: a folium map and what is known, in one file to keep or send.

Words of callers stand only in the tables, escaped; the map's scripts hold numbers, codes and our own words.
"""

from dataclasses import replace
from datetime import datetime
from html import escape
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import folium
import shapely
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from core.auth import Actor
from core.clock import utc_now
from core.messages import catalogue, say
from core.rights import Operation
from core.settings import Settings
from dispatch import queries as dispatch_queries
from dispatch.views import IncidentDetail, PlanView
from gis.coordinates import LonLat, geography, loaded
from gis.models import Pipe, RoadEdge
from hotline.models import Report
from maps.leaflet import leaflet
from maps.overview import incidents_on_map

SURROUNDINGS_M = 700.0
"""How far round the incident streets and mains are drawn, metres."""
LINES_MAX = 3000
"""Folium pages grow by about 200 bytes a line; more than this would be tiles' work."""
ZOOM_START = 16

ROAD_COLOUR, PIPE_COLOUR, SEGMENT_COLOUR = "#d3d6d6", "#1d87b8", "#0b4fa8"
ZONE_COLOUR, VALVE_COLOUR, REPORT_COLOUR, PLACE_COLOUR = "#e69f00", "#b87b00", "#b36b00", "#d55e00"

STYLES = """
:root { color-scheme: light; }
body { margin: 0; color: #1b2226; background: #fff; font: 14px/1.5 system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif;
       font-variant-numeric: tabular-nums; }
main { max-width: 960px; margin: 0 auto; padding: 24px; }
h1 { margin: 0 0 4px; font-size: 22px; } h2 { margin: 24px 0 8px; font-size: 16px; }
.muted { color: #566169; } .facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); gap: 8px 24px; margin: 16px 0; }
.facts dt { color: #566169; font-size: 12px; } .facts dd { margin: 0; font-weight: 600; }
.map { position: relative; height: 460px; border: 1px solid #d9dfe3; border-radius: 6px; overflow: hidden; }
.map .folium-map { position: absolute; inset: 0; width: 100%; height: 100%; background: #f3f4f3; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 8px 0; font-size: 12px; }
.legend i { display: inline-block; width: 18px; height: 4px; margin-right: 6px; vertical-align: middle; border-radius: 2px; }
.legend i.dot, .legend i.ring { width: 10px; height: 10px; border-radius: 50%; }
.legend i.ring { background: #fff !important; border: 2.5px solid; }
table { width: 100%; border-collapse: collapse; } th, td { padding: 4px 12px 4px 0; border-bottom: 1px solid #d9dfe3; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { color: #566169; font-size: 12px; font-weight: 600; } td.tight { white-space: nowrap; overflow-wrap: normal; }
.order { min-width: 20px; height: 20px; border-radius: 10px; background: #b87b00; color: #fff; font: 600 11px/20px system-ui, sans-serif; text-align: center; }
.flag { padding: 0 6px; border-radius: 4px; background: #d55e00; color: #fff; font: 600 12px/20px system-ui, sans-serif; white-space: nowrap; width: max-content; }
@media print { main { padding: 0; } .leaflet-control-zoom { display: none; } }
"""


def incident_page(
    session: Session, settings: Settings, actor: Actor, incident_id: UUID, *, language: str
) -> str:
    """Write an incident's page.

    Parameters
    ----------
    actor
        Whose area and rights it keeps to: without `reports.read` no caller's words are in it; names and numbers never are.
    language
        zh or en.

    Returns
    -------
    page
        HTML with everything inside: no address outside the page is loaded.

    Raises
    ------
    NoSuchIncident
        It does not exist, or lies outside his area.
    LeafletNotBuilt
        The pages are not built.
    """
    library = leaflet(settings)
    detail = dispatch_queries.incident_detail(session, replace(actor, language=language), incident_id)
    words = _Words(language, ZoneInfo(settings.utility_timezone))
    chart = _chart(session, detail, words)
    figure = folium.Figure()
    # Folium would load its libraries from the network, each under an address of its own: this page brings the one it needs.
    chart.default_js, chart.default_css = [], []
    figure.add_child(chart)
    figure.render()
    title = words("title", number=detail.summary.number)
    said = _descriptions(session, actor, detail) if actor.may(Operation.REPORTS_READ) else {}
    return "".join(
        [
            f'<!doctype html><html lang="{"zh-CN" if language == "zh" else "en"}"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{library.styles}{STYLES}</style>",
            f"<style>{_MAP_ITSELF}</style><script>{library.script}</script></head><body><main>",
            _head(detail, words),
            f'<div class="map">{figure.html.render()}</div>',
            _legend(words),
            _plan(detail.plan, words),
            _reports(detail, said, words),
            _orders(detail, words),
            _timeline(detail, words),
            f'<p class="muted">{escape(words("made", at=words.time(utc_now()), utility=settings.utility_name))}</p>',
            f"</main><script>{figure.script.render()}</script></body></html>",
        ]
    )


_MAP_ITSELF = ".leaflet-container { font: inherit; }"


TIGHT = ' class="tight"'


class _Words:
    """Our words and times in the reader's language."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language = language
        self._zone = zone

    def __call__(self, key: str, **values: Any) -> str:
        return say(f"maps.page.{key}", self.language, **values)

    def of(self, kind: str, value: str | None) -> str:
        """A word for one of the trade's values; the value itself where there is none."""
        if value is None:
            return "—"
        return catalogue(self.language).get(f"maps.{kind}.{value}", value)

    def time(self, at: datetime | None) -> str:
        return at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M") if at else "—"


# --- the map -----------------------------------------------------------------------------------------------------------------


def _chart(session: Session, detail: IncidentDetail, words: _Words) -> folium.Map:
    place = detail.summary.point
    chart = folium.Map(
        location=place.lat_lon(),
        zoom_start=ZOOM_START,
        tiles=None,
        prefer_canvas=True,
        attribution_control=False,
    )
    segments = set(detail.summary.segment_ids)
    lines: list[tuple[dict[str, Any], str, float]] = []
    lines += [
        (_geojson(road), ROAD_COLOUR, 5.0)
        for road in _near(
            session, RoadEdge, place, or_(RoadEdge.reverse_of.is_(None), RoadEdge.reverse_of > RoadEdge.id)
        )
    ]
    pipes = _near(session, Pipe, place)
    lines += [
        (
            _geojson(pipe),
            SEGMENT_COLOUR if pipe.segment_id in segments else PIPE_COLOUR,
            4.0 if pipe.segment_id in segments else 2.0,
        )
        for pipe in pipes
    ]
    _draw_lines(chart, lines)
    (shown,) = incidents_on_map(session, [detail.summary])
    if shown.zone:
        _draw_area(chart, shown.zone)
    for report in detail.reports:
        folium.CircleMarker(
            report.point.lat_lon(),
            radius=6,
            color=REPORT_COLOUR,
            weight=2.5,
            fill=True,
            fill_color="#ffffff",
            fill_opacity=0.7,
        ).add_to(chart)
    for valve in detail.plan.valves_to_close if detail.plan else []:
        _mark(chart, valve.point, f'<div class="order">{valve.order}</div>', (20, 20), (10, 10))
    _mark(chart, place, f'<div class="flag">#{detail.summary.number}</div>', (60, 20), (0, 30))
    return chart


def _near(session: Session, model: type[Pipe] | type[RoadEdge], place: LonLat, *conditions: Any) -> list[Any]:
    """Read lines near a place; Any: either table's rows and their conditions."""
    return list(
        session.scalars(
            select(model)
            .where(
                func.ST_DWithin(geography(model.geom), geography(place.as_sql()), SURROUNDINGS_M), *conditions
            )
            .limit(LINES_MAX)
        )
    )


def _geojson(row: Any) -> dict[str, Any]:
    """Write a line as GeoJSON, 6 decimals; Any: a row with a geometry."""
    return {
        "type": "LineString",
        "coordinates": [
            [round(x, 6), round(y, 6)] for x, y in shapely.get_coordinates(loaded(row.geom)).tolist()
        ],
    }


def _draw_lines(chart: folium.Map, lines: list[tuple[dict[str, Any], str, float]]) -> None:
    if not lines:
        return
    features = [
        {"type": "Feature", "geometry": geometry, "properties": {"c": colour, "w": width}}
        for geometry, colour, width in lines
    ]
    folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        style_function=lambda feature: {
            "color": feature["properties"]["c"],
            "weight": feature["properties"]["w"],
        },
        interactive=False,
    ).add_to(chart)


def _draw_area(chart: folium.Map, zone: dict[str, Any]) -> None:
    style = {"color": ZONE_COLOUR, "weight": 1.5, "fillColor": ZONE_COLOUR, "fillOpacity": 0.18}
    folium.GeoJson(
        {"type": "Feature", "geometry": zone, "properties": {}},
        style_function=lambda _: style,
        interactive=False,
    ).add_to(chart)


def _mark(
    chart: folium.Map, place: LonLat, html: str, size: tuple[int, int], anchor: tuple[int, int]
) -> None:
    folium.Marker(
        place.lat_lon(), icon=folium.DivIcon(html=html, icon_size=size, icon_anchor=anchor, class_name="mark")
    ).add_to(chart)


# --- the words ---------------------------------------------------------------------------------------------------------------


def _descriptions(session: Session, actor: Actor, detail: IncidentDetail) -> dict[UUID, str]:
    """Read what the callers said, as far as it lies in the actor's area."""
    rows = session.execute(
        select(Report.id, Report.description).where(
            Report.id.in_([report.report_id for report in detail.reports]), actor.area_filter(Report.place)
        )
    )
    return {row.id: row.description for row in rows}


def _table(title: str, columns: list[str], rows: list[list[str]], nothing: str, *, tight: int = 0) -> str:
    """Write a table; every cell is text, the first `tight` ones of a row unbroken."""
    if not rows:
        return f'<h2>{escape(title)}</h2><p class="muted">{escape(nothing)}</p>'
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>"
        + "".join(f"<td{TIGHT if at < tight else ''}>{escape(cell)}</td>" for at, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _head(detail: IncidentDetail, words: _Words) -> str:
    one = detail.summary
    facts = {
        "state": words.of("state", one.state),
        "kind": words.of("kind", one.kind),
        "priority": f"P{one.priority}",
        "place": one.street or "—",
        "segments": ", ".join(map(str, one.segment_ids)) or "—",
        "reports": words("count_reports", n=one.report_count),
        "dry": words("count_customers", n=one.customers_without_water),
        "opened": words.time(one.opened_at),
        "closed": words.time(one.closed_at),
        "estimate": words.time(one.estimate_at),
    }
    listed = "".join(
        f"<div><dt>{escape(words(key))}</dt><dd>{escape(value)}</dd></div>" for key, value in facts.items()
    )
    return f'<h1>{escape(words("title", number=one.number))}</h1><dl class="facts">{listed}</dl>'


def _legend(words: _Words) -> str:
    signs = [
        ("", ROAD_COLOUR, "road"),
        ("", PIPE_COLOUR, "pipe"),
        ("", SEGMENT_COLOUR, "segment"),
        ("", ZONE_COLOUR, "zone"),
        ("ring", REPORT_COLOUR, "report"),
        ("dot", VALVE_COLOUR, "valve"),
        ("dot", PLACE_COLOUR, "incident"),
    ]
    return (
        '<p class="legend">'
        + "".join(
            f'<span><i class="{shape}" style="background:{colour};border-color:{colour}"></i>{escape(words(f"legend_{key}"))}</span>'
            for shape, colour, key in signs
        )
        + "</p>"
    )


def _plan(plan: PlanView | None, words: _Words) -> str:
    rows = [
        [str(valve.order), valve.asset_code, f"{valve.point.lat:.6f}, {valve.point.lon:.6f}"]
        for valve in (plan.valves_to_close if plan else [])
    ]
    return _table(
        words("valves"), [words("order"), words("valve"), words("lat_lon")], rows, words("no_valves")
    )


def _reports(detail: IncidentDetail, said: dict[UUID, str], words: _Words) -> str:
    rows = [
        [
            str(report.report_number),
            words.time(report.received_at),
            words.of("category", report.category),
            said.get(report.report_id, ""),
            report.reason,
        ]
        for report in detail.reports
    ]
    columns = [words("number"), words("received"), words("category"), words("said"), words("why")]
    return _table(words("reports_title"), columns, rows, words("no_reports"), tight=3)


def _orders(detail: IncidentDetail, words: _Words) -> str:
    rows = [
        [
            f"W-{order.number}",
            words.of("order_kind", order.kind),
            words.of("order_state", order.state),
            order.crew_code or "—",
            words.time(order.created_at),
            words.time(order.ended_at),
        ]
        for order in detail.work_orders
    ]
    columns = [
        words("number"),
        words("kind"),
        words("state"),
        words("crew"),
        words("made_at"),
        words("ended"),
    ]
    return _table(words("orders_title"), columns, rows, words("no_orders"), tight=6)


def _timeline(detail: IncidentDetail, words: _Words) -> str:
    rows = [[words.time(step.at), step.what, step.who or "", step.why] for step in detail.timeline]
    columns = [words("time"), words("what"), words("who"), words("why")]
    return _table(words("timeline_title"), columns, rows, words("no_timeline"), tight=1)
