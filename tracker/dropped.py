"""Messages that were not taken: counted per day and reason, never silently lost."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.models import DroppedMessage

TOPIC_CHARACTERS_MAX = 200


class DropReason(StrEnum):
    """Why a message was not taken."""

    WRONG_TOPIC = "wrong_topic"
    OVERSIZE = "oversize"
    NOT_JSON = "not_json"
    UNKNOWN_TYPE = "unknown_type"
    MALFORMED = "malformed"
    NO_POSITION = "no_position"
    OUT_OF_RANGE = "out_of_range"
    BAD_TIME = "bad_time"
    ENCRYPTED = "encrypted"
    UNKNOWN_CREW = "unknown_crew"
    IN_FUTURE = "in_future"
    INACCURATE = "inaccurate"
    OVERFLOW = "overflow"
    UNSTORABLE = "unstorable"


@dataclass(frozen=True, slots=True)
class Drop:
    """One message that was not taken."""

    topic: str
    reason: DropReason
    at: datetime


def count_dropped(session: Session, drops: Iterable[Drop]) -> None:
    """Add to the counts of their days and reasons."""
    in_order = sorted(drops, key=lambda drop: (drop.at.date(), drop.reason, drop.at))
    for (day, reason), group in groupby(in_order, key=lambda drop: (drop.at.date(), drop.reason)):
        same = list(group)
        row = insert(DroppedMessage).values(
            day=day,
            reason=reason.value,
            count=len(same),
            last_topic=_storable(same[-1].topic),
            last_at=same[-1].at,
        )
        session.execute(
            row.on_conflict_do_update(
                index_elements=[DroppedMessage.day, DroppedMessage.reason],
                set_={
                    "count": DroppedMessage.count + row.excluded.count,
                    "last_topic": row.excluded.last_topic,
                    "last_at": row.excluded.last_at,
                },
            )
        )


def _storable(topic: str) -> str:
    """Keep what a database and a page can show of a topic made up by a stranger."""
    shown = "".join(character if character.isprintable() else "?" for character in topic)
    return shown[:TOPIC_CHARACTERS_MAX]
