"""Who is served from where: service connections from the mains to the addresses, and the accounts behind them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.models import CustomerClass
from gis.synthetic.addresses import Addresses, business_uses
from gis.synthetic.chance import Floats, Ints, Keys, joined, share
from gis.synthetic.naming import people, phones
from gis.synthetic.network import Mains

SERVICE_MAX_M = 120.0
LARGEST_SERVED_MM = 400
FIRST_ACCOUNT = 1_000_000
BUSINESSES, INDUSTRIES = 0.07, 0.005
# One of these for so many accounts, and at least one in every city.
ONE_IN = {
    CustomerClass.SCHOOL: 450,
    CustomerClass.HOSPITAL: 9_000,
    CustomerClass.DIALYSIS: 12_000,
    CustomerClass.FIRE_STATION: 8_000,
}


@dataclass(frozen=True)
class Customers:
    """Service connections by address, and accounts by connection."""

    address: Ints
    """The address each connection serves."""
    pipe: Ints
    chainage_m: Floats
    left: NDArray[np.bool_]
    line: NDArray[Any]
    diameter_mm: Ints
    account_connection: Ints
    account_no: list[str]
    account_name: list[str]
    account_phone: list[str]
    account_class: list[CustomerClass]


def _own_main(addresses: Addresses, mains: Mains) -> Ints:
    """Find the main under each address's own street, -1 where its street has none."""
    served = np.flatnonzero(mains.link >= 0)
    order = served[np.lexsort((mains.link_start_m[served], mains.link[served]))]
    step = 1e7  # metres; more than any street is long, so that link and chainage make one rising number
    begins = mains.link[order] * step + mains.link_start_m[order]
    at = np.searchsorted(begins, addresses.link * step + addresses.chainage_m, side="right") - 1
    found = order[np.maximum(at, 0)]
    fits = (
        (at >= 0)
        & (mains.link[found] == addresses.link)
        & (addresses.chainage_m <= mains.link_end_m[found] + 0.01)
    )
    return np.where(fits, found, -1)


def _side(line: NDArray[Any], length_m: Floats, chainage: Floats, x: Floats, y: Floats) -> NDArray[np.bool_]:
    """Tell which points lie to the left of their lines."""
    behind = shapely.get_coordinates(shapely.line_interpolate_point(line, np.maximum(0.0, chainage - 0.5)))
    ahead = shapely.get_coordinates(
        shapely.line_interpolate_point(line, np.minimum(length_m, chainage + 0.5))
    )
    cross = (ahead[:, 0] - behind[:, 0]) * (y - behind[:, 1]) - (ahead[:, 1] - behind[:, 1]) * (
        x - behind[:, 0]
    )
    return np.asarray(cross >= 0)


def connect(addresses: Addresses, mains: Mains) -> Customers:
    """Tap the main under each address's street, or else the nearest one; addresses far from any get no water."""
    points = np.asarray(shapely.points(addresses.x, addresses.y), dtype=object)
    pipe = _own_main(addresses, mains)
    found = np.flatnonzero(pipe >= 0)
    far = shapely.distance(mains.line[pipe[found]], points[found]) > SERVICE_MAX_M
    pipe[found[far]] = -1
    usable = np.flatnonzero((mains.link >= 0) & (mains.diameter_mm < LARGEST_SERVED_MM))
    orphans = np.flatnonzero(pipe < 0)
    if len(orphans) and len(usable):
        nearest = usable[shapely.STRtree(mains.line[usable]).nearest(points[orphans])]
        close = shapely.distance(mains.line[nearest], points[orphans]) <= SERVICE_MAX_M
        pipe[orphans[close]] = nearest[close]
    address = np.flatnonzero(pipe >= 0)
    pipe, point = pipe[address], points[address]
    line, length = mains.line[pipe], mains.length_m[pipe]
    chainage = np.asarray(shapely.line_locate_point(line, point), dtype=np.float64)
    tap = shapely.get_coordinates(shapely.line_interpolate_point(line, chainage))
    x, y = addresses.x[address], addresses.y[address]
    accounts = addresses.accounts[address]
    connection = np.repeat(np.arange(len(address)), accounts)
    place = np.arange(accounts.sum()) - np.repeat(np.cumsum(accounts) - accounts, accounts)
    key = joined(addresses.key[address][connection], place.astype(np.uint64))
    return Customers(
        address=address,
        pipe=pipe,
        chainage_m=chainage,
        left=_side(line, length, chainage, x, y),
        line=np.asarray(shapely.linestrings(np.stack([tap, np.column_stack([x, y])], axis=1)), dtype=object),
        diameter_mm=np.where(accounts > 6, 50, np.where(accounts > 1, 32, 25)),
        account_connection=connection,
        account_no=_account_numbers(len(connection)),
        account_name=people(key),
        account_phone=phones(len(connection)),
        account_class=_classes(addresses, address[connection], place, key),
    )


def _account_numbers(count: int) -> list[str]:
    """Number accounts, the last digit a check digit (Luhn)."""
    numbers = []
    for body in range(FIRST_ACCOUNT, FIRST_ACCOUNT + count):
        total, digits = 0, str(body)
        for place, digit in enumerate(reversed(digits)):
            value = int(digit) * (2 if place % 2 == 0 else 1)
            total += value - 9 if value > 9 else value
        numbers.append(f"{digits}{-total % 10}")
    return numbers


def _classes(addresses: Addresses, address: Ints, place: Ints, key: Keys) -> list[CustomerClass]:
    """Say who each account is: what the extract knows, then businesses, then those to be warned first."""
    luck = share(key, "class")
    classes = [
        CustomerClass.INDUSTRY
        if one < INDUSTRIES
        else CustomerClass.BUSINESS
        if one < INDUSTRIES + BUSINESSES
        else CustomerClass.HOUSEHOLD
        for one in luck.tolist()
    ]
    building = addresses.building[address]
    for index, (house, nth) in enumerate(zip(building.tolist(), place.tolist(), strict=True)):
        if house < 0 or nth > 0:
            continue
        known = addresses.houses.kind[house]
        if known is not None:
            classes[index] = known
        elif addresses.houses.use[house] in business_uses():
            classes[index] = CustomerClass.BUSINESS
    for special, one_in in ONE_IN.items():
        wanted = max(1, round(len(classes) / one_in))
        drawn = np.argsort(share(key, special.value), kind="stable")[: 3 * wanted + 20]
        missing = wanted - classes.count(special)
        for index in drawn.tolist():
            if missing <= 0:
                break
            if classes[index] is CustomerClass.HOUSEHOLD:
                classes[index] = special
                missing -= 1
    return classes
