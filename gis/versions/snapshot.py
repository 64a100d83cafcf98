"""The stored network as a draft, so that the one that was there before any version can be gone back to."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.clock import utc_now
from gis.coordinates import WGS84_SRID
from gis.models import (
    Address,
    ControlLink,
    CustomerAccount,
    Hydrant,
    Junction,
    LifecycleStatus,
    NetworkVersion,
    Pipe,
    PressureZone,
    ServiceArea,
    ServiceConnection,
    Valve,
    VersionState,
)
from gis.network_import.draft import (
    LOCAL,
    DraftControlLink,
    DraftCustomer,
    DraftHydrant,
    DraftJunction,
    DraftPipe,
    DraftValve,
    DraftZone,
    NetworkDraft,
)
from gis.versions.packing import pack
from gis.versions.register import new_version
from gis.versions.summary import summary_of


def snapshot(session: Session) -> NetworkDraft:
    """Read the live network from the tables; there must be one."""
    area = session.scalars(select(ServiceArea)).one()
    zone = dict(_pairs(session, PressureZone.id, PressureZone.code))
    node = dict(_pairs(session, Junction.id, Junction.asset_code))
    pipe = dict(_pairs(session, Pipe.id, Pipe.asset_code))
    return NetworkDraft(
        source=area.built_from,
        crs=LOCAL if area.metric_srid is None else f"EPSG:{WGS84_SRID}",
        metric_srid=area.metric_srid,
        zones=[
            DraftZone(code=row.code, name=row.name, source_head_m=row.source_head_m, outline=shape)
            for row, shape in _rows(session, PressureZone)
        ],
        junctions=[
            DraftJunction(
                code=row.asset_code,
                node_type=row.node_type,
                elevation_m=row.elevation_m,
                head_m=row.head_m,
                base_demand_lps=row.base_demand_lps,
                zone=zone.get(row.zone_id),
                place=shape,
            )
            for row, shape in _rows(session, Junction)
        ],
        pipes=[
            DraftPipe(
                code=row.asset_code,
                from_node=node[row.from_node_id],
                to_node=node[row.to_node_id],
                length_m=row.length_m,
                diameter_mm=row.diameter_mm,
                pipe_class=row.pipe_class,
                material=row.material,
                install_year=row.install_year,
                roughness=row.roughness,
                road_name=row.road_name,
                zone=zone.get(row.zone_id),
                lifecycle_status=row.lifecycle_status,
                is_closed=row.is_closed,
                has_check_valve=row.has_check_valve,
                line=shape,
            )
            for row, shape in _rows(session, Pipe)
        ],
        control_links=[
            DraftControlLink(
                code=row.asset_code,
                link_type=row.link_type,
                from_node=node[row.from_node_id],
                to_node=node[row.to_node_id],
                diameter_mm=row.diameter_mm,
                setting=row.setting,
                is_closed=row.is_closed,
                lifecycle_status=row.lifecycle_status,
                line=shape,
            )
            for row, shape in _rows(session, ControlLink)
        ],
        valves=[
            DraftValve(
                code=row.asset_code,
                node=node[row.node_id],
                pipe=pipe.get(row.pipe_id),
                to_node=node.get(row.to_node_id),
                valve_type=row.valve_type,
                diameter_mm=row.diameter_mm,
                is_closed=row.is_closed,
                operable=row.operable,
                lifecycle_status=row.lifecycle_status,
                place=shape,
            )
            for row, shape in _rows(session, Valve)
        ],
        hydrants=[
            DraftHydrant(
                code=row.asset_code,
                pipe=pipe[row.pipe_id],
                chainage_m=row.chainage_m,
                diameter_mm=row.diameter_mm,
                lifecycle_status=row.lifecycle_status,
                place=shape,
            )
            for row, shape in _rows(session, Hydrant)
        ],
        customers=_customers(session, pipe),
    )


def record_first(session: Session) -> NetworkVersion | None:
    """Record the network that was there before any version as the first one, published as it is.

    Returns
    -------
    version
        None where there is no network yet, or versions are kept already.
    """
    if session.scalar(select(NetworkVersion.number).where(NetworkVersion.published_at.is_not(None)).limit(1)):
        return None
    if session.scalar(select(ServiceArea.id)) is None:
        return None
    draft = snapshot(session)
    return new_version(
        session,
        state=VersionState.PUBLISHED,
        source=draft.source,
        crs=draft.crs,
        summary=summary_of(draft) | {"area_name": session.scalars(select(ServiceArea.name)).one()},
        content=pack(draft),
        published_at=utc_now(),
    )


def _pairs(session: Session, key: Any, value: Any) -> Sequence[Any]:
    return session.execute(select(key, value)).all()


def _rows(session: Session, model: type[Any]) -> list[tuple[Any, Any]]:
    """Read a table's live rows, each with its shape; one call for all shapes, since there may be a million."""
    table = model.__table__
    plain = [column for column in table.columns if column.name != "geom"]
    order = table.c.get("asset_code", table.c.get("code"))
    query = select(*plain, func.ST_AsBinary(table.c.geom)).order_by(order)
    if "lifecycle_status" in table.columns:
        query = query.where(table.c.lifecycle_status != LifecycleStatus.ABANDONED)
    rows = session.execute(query).all()
    return list(zip(rows, _shapes([row[-1] for row in rows]), strict=True))


def _shapes(raw: Sequence[Any]) -> list[Any]:
    shapes: list[Any] = shapely.from_wkb(
        np.array([None if one is None else bytes(one) for one in raw], dtype=object)
    ).tolist()
    return shapes


def _customers(session: Session, pipe: dict[UUID, str]) -> list[DraftCustomer]:
    rows = session.execute(
        select(
            CustomerAccount.account_no,
            CustomerAccount.name,
            CustomerAccount.phone,
            CustomerAccount.customer_class,
            ServiceConnection.pipe_id,
            ServiceConnection.tap_chainage_m,
            Address.text,
            func.ST_AsBinary(func.ST_EndPoint(ServiceConnection.geom)),
        )
        .join(ServiceConnection, ServiceConnection.id == CustomerAccount.service_connection_id)
        .join(Pipe, Pipe.id == ServiceConnection.pipe_id)
        .join(Address, Address.id == CustomerAccount.address_id, isouter=True)
        .where(Pipe.lifecycle_status != LifecycleStatus.ABANDONED)
        .order_by(CustomerAccount.account_no)
    ).all()
    places = _shapes([row[-1] for row in rows])
    return [
        DraftCustomer(
            account_no=row.account_no,
            name=row.name,
            phone=row.phone,
            customer_class=row.customer_class,
            pipe=pipe[row.pipe_id],
            tap_chainage_m=row.tap_chainage_m,
            address=row.text,
            place=place,
        )
        for row, place in zip(rows, places, strict=True)
    ]
