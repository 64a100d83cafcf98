"""A route told in words, in the driver's language."""

from core.messages import say
from gis.roads import Step, Turn

COMPASS = ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest")


def compass_point(bearing_deg: float) -> str:
    """Name the nearest of eight directions; north is 0 degrees, east 90."""
    return COMPASS[round(bearing_deg / 45.0) % 8]


def step_text(step: Step, language: str) -> str:
    """Say what to do where a step begins."""
    if step.turn is Turn.DEPART:
        heading = say(f"fieldapp.compass.{compass_point(step.bearing_deg)}", language)
        doing = say("fieldapp.turn.depart", language, heading=heading)
    else:
        doing = say(f"fieldapp.turn.{step.turn.value}", language)
    if step.road_name is None:
        return doing
    key = "fieldapp.along_road" if step.turn in (Turn.DEPART, Turn.STRAIGHT) else "fieldapp.onto_road"
    return say(key, language, doing=doing, road=step.road_name)
