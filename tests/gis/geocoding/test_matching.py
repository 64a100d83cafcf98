"""What was said, weighed against every place it could mean."""

import numpy as np
import pytest
import shapely

from gis.geocoding.gazetteer import NONE, AddressColumns, Gazetteer, RoadColumns
from gis.geocoding.matching import MatchKind, match
from gis.geocoding.reading import read

# Two roads of 2 km that cross at (1000, 0), one far away of nearly the same name, one in another district of the same name.
ROADS = (
    ("科技路", "雁塔区", [(0, 0), (2000, 0)]),
    ("丈八北路", "雁塔区", [(1000, -1000), (1000, 1000)]),
    ("科技二路", "雁塔区", [(0, 5000), (2000, 5000)]),
    ("科技路", "长安区", [(0, 20000), (2000, 20000)]),
    ("Mill Street", "", [(0, 30000), (2000, 30000)]),
)
# road, district, number, place, building, x, y
ADDRESSES = (
    (0, "雁塔区", 10, "", "", 100, 15),
    (0, "雁塔区", 20, "", "", 200, 15),
    (0, "雁塔区", 40, "", "", 400, 15),
    (0, "雁塔区", 37, "天堂软件园", "", 370, -15),
    (0, "雁塔区", 37, "阳光花园", "8", 370, -15),
    (0, "雁塔区", 37, "阳光花园", "9", 410, -60),
    (2, "雁塔区", 37, "", "", 370, 5015),
    (3, "长安区", 10, "", "", 100, 20015),
    (NONE, "雁塔区", NONE, "人民医院", "", 5000, 5000),
    (NONE, "长安区", NONE, "人民医院", "", 5000, 25000),
    (4, "", 5, "", "", 50, 30015),
    (4, "", 7, "", "", 70, 29985),
)


@pytest.fixture(scope="module")
def gazetteer():
    road, district, number, place, building, x, y = zip(*ADDRESSES, strict=True)
    lines = np.empty(len(ROADS), dtype=object)
    lines[:] = [shapely.LineString(line) for _, _, line in ROADS]
    return Gazetteer(
        AddressColumns(
            road=np.array(road),
            place=place,
            district=district,
            number=np.array(number),
            letter=[""] * len(road),
            building=building,
            x=np.array(x, dtype=float),
            y=np.array(y, dtype=float),
        ),
        RoadColumns([name for name, _, _ in ROADS], [district for _, district, _ in ROADS], lines),
        srid=32649,
    )


def place(gazetteer, said):
    best = match(gazetteer, read(said))[0]
    return best.kind, round(best.x), round(best.y)


@pytest.mark.parametrize(
    ("said", "row"),
    [
        ("雁塔区科技路10号", 0),
        ("陕西省西安市雁塔区科技路20号", 1),
        ("我在科技路四十号对面", 2),
        ("客机路四零号", 2),
        ("科技路37号天堂软件园", 3),
        ("天堂软件园", 3),
        ("天塘软件圆", 3),
        ("37号天堂软件园门口", 3),
        ("阳光花园8幢2单元", 4),
        ("科技路阳光花园九栋", 5),
        ("科技二路37号", 6),
        ("科技2路三十七号", 6),
        ("长安区科技路10号", 7),
        ("长安区人民医院", 9),
        ("5 Mill Street", 10),
        ("mill stret 7", 11),
    ],
)
def test_the_address_meant_comes_first(gazetteer, said, row):
    _, _, _, _, _, x, y = ADDRESSES[row]
    assert place(gazetteer, said)[1:] == (x, y)


def test_house_and_room_run_together_are_told_apart(gazetteer):
    """`8-21` typed without its dash."""
    assert place(gazetteer, "阳光花园821") == (MatchKind.ADDRESS, 370, -15)


@pytest.mark.parametrize(
    "said", ["科技路和丈八北路交叉口", "科技路与丈八北路路口", "客机路跟仗八北路的十字路口"]
)
def test_two_roads_meet_in_one_place(gazetteer, said):
    assert place(gazetteer, said) == (MatchKind.CROSSING, 1000, 0)


def test_a_number_nobody_has_is_put_between_its_neighbours_and_never_sure(gazetteer):
    best = match(gazetteer, read("雁塔区科技路30号"))[0]
    assert (best.kind, round(best.x), round(best.y)) == (MatchKind.INTERPOLATED, 300, 15)
    assert best.confidence < 0.9


def test_a_road_without_a_number_is_its_middle_and_hardly_sure(gazetteer):
    best = match(gazetteer, read("丈八北路"))[0]
    assert (best.kind, best.x, best.y) == (MatchKind.STREET, 1000, 0)
    assert best.confidence < 0.8


def test_a_district_alone_is_somewhere_in_it(gazetteer):
    assert match(gazetteer, read("长安区"))[0].kind is MatchKind.DISTRICT


def test_two_places_of_one_name_are_believed_equally(gazetteer):
    first, second = match(gazetteer, read("人民医院"))[:2]
    assert {first.y, second.y} == {5000, 25000}
    assert first.confidence == pytest.approx(second.confidence)
    assert first.confidence < 0.8


def test_naming_the_district_makes_it_sure(gazetteer):
    assert match(gazetteer, read("长安区人民医院"))[0].confidence > 0.9


def test_one_spot_said_by_several_addresses_is_one_answer(gazetteer):
    found = match(gazetteer, read("科技路37号"))
    spots = [(one.x, one.y) for one in found]
    assert spots.count((370.0, -15.0)) == 1


@pytest.mark.parametrize("said", ["", "喂", "12", "没有水了怎么办", "Xyzzyplugh 3"])
def test_what_names_no_place_finds_none(gazetteer, said):
    assert match(gazetteer, read(said)) == []
