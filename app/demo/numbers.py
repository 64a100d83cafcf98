"""Whom the demo's agents hand callers over to: invented, with numbers that are kept for fiction."""

from typing import Final

from sqlalchemy.orm import Session

from hotline.directory.entries import Said, add
from hotline.models import EntryKind, Matter

NUMBERS: Final = (
    Said(
        kind=EntryKind.BRANCH,
        name_zh="营业厅",
        name_en="Customer office",
        phones=["555-0110"],
        hours_zh="工作日 8:30–17:30",
        hours_en="working days 8:30 to 17:30",
        matters=[Matter.BILLING, Matter.CONNECTION],
        note_zh="水费和报装由营业厅办理，请在工作时间拨打。",
        note_en="Bills and new connections are the customer office's; please call in working hours.",
        position=10,
        area=None,
    ),
    Said(
        kind=EntryKind.PARTNER,
        name_zh="物业维修联络处",
        name_en="House plumbing desk",
        phones=["555-0120", "555-0121"],
        hours_zh="每天 8:00–20:00",
        hours_en="daily 8:00 to 20:00",
        matters=[Matter.PRIVATE_PLUMBING],
        note_zh="水表之后的管道属于房屋，请联系物业。",
        note_en="Pipes behind the meter belong to the house; its manager can have them repaired.",
        position=20,
        area=None,
    ),
    Said(
        kind=EntryKind.GOVERNMENT,
        name_zh="市民服务热线",
        name_en="Citizens' line",
        phones=["555-0199"],
        hours_zh="全天",
        hours_en="day and night",
        matters=[],
        note_zh="这不属于供水事务，市民服务热线会为您转办。",
        note_en="This is not the waterworks' matter; the citizens' line passes it on.",
        position=90,
        area=None,
    ),
)


def list_numbers(session: Session) -> None:
    """Write the demo's numbers into the directory."""
    for said in NUMBERS:
        add(session, None, said)
