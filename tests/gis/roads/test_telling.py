"""Steps told in words."""

import pytest

from gis.roads.telling import Step, Turn, compass_point, step_text


@pytest.mark.parametrize(
    ("bearing_deg", "name"),
    [(0, "north"), (22, "north"), (23, "northeast"), (90, "east"), (338, "north"), (359.9, "north")],
)
def test_compass_has_eight_points(bearing_deg: float, name: str) -> None:
    assert compass_point(bearing_deg) == name


def test_steps_are_told_in_both_languages() -> None:
    depart = Step("Mill Street", Turn.DEPART, 90.0, 200.0, 20.0, 0)
    assert step_text(depart, "en") == "Head east along Mill Street"
    assert step_text(depart, "zh") == "沿Mill Street向东出发"
    left = Step("中山路", Turn.LEFT, 0.0, 40.0, 4.0, 1)
    assert step_text(left, "en") == "Turn left onto 中山路"
    assert step_text(left, "zh") == "左转，进入中山路"


@pytest.mark.parametrize("turn", list(Turn))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_turn_has_words_also_on_a_street_without_a_name(turn: Turn, language: str) -> None:
    assert step_text(Step(None, turn, 180.0, 10.0, 1.0, 0), language)
