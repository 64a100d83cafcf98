"""What is stored of the segments."""

from sqlalchemy import func, select, update

from gis.models import IsolationSegment, Junction, Operable, Pipe, ServiceArea, Valve
from gis.segments import rebuild_segments


def test_stored_segments_are_those_of_the_town(session, town):
    rows = {row.id: row for row in session.scalars(select(IsolationSegment))}
    assert len(rows) == 9
    first = rows[town.segments["H00"]]
    assert (first.pipe_count, first.length_m, first.customer_count) == (5, 450.0, 26)
    assert set(first.valve_ids) == {town.valves[name] for name in ("VV00", "VV10", "VV20", "VV30", "VH30")}
    assert sorted(first.cut_off_segment_ids) == sorted(
        town.segments[row] for row in ("H01", "H02", "H04", "H05")
    )
    last = rows[town.segments["V60"]]
    assert (last.pipe_count, last.length_m, last.customer_count) == (12, 1050.0, 24)
    assert session.scalar(select(func.count()).select_from(Pipe).where(Pipe.segment_id.is_(None))) == 0
    assert (
        session.scalar(select(func.count()).select_from(Junction).where(Junction.segment_id.is_(None))) == 0
    )


def test_a_repaired_valve_parts_the_segments_again(session, town):
    before = session.scalar(select(ServiceArea.network_revision))
    session.execute(update(Valve).where(Valve.asset_code == "VV22").values(operable=Operable.YES))
    rebuild_segments(session)
    assert session.scalar(select(func.count()).select_from(IsolationSegment)) == 10
    assert session.scalar(select(ServiceArea.network_revision)) != before
