"""A street of four mains fed from one end, 100 m each, with a valve before each but the first: checked by hand.

```
source 0 ──p0── 1 ┤p1── 2 ┤p2── 3 ┤p3── 4        ┤ a valve, at the pipe's first node
```

Three customers on each main, twelve in all: customer 3k, 3k+1 and 3k+2 live on main k.
"""

import numpy as np

from app.demo.town import Town
from gis.coordinates import LonLat, metric_plane, utm_srid

ORIGIN = LonLat(lon=24.94, lat=60.17)
PIPE_M = 100.0


def street_town() -> Town:
    plane = metric_plane(utm_srid(ORIGIN))
    start = plane.point(ORIGIN)
    east = np.array([start.x + PIPE_M * k for k in (0, 1, 1, 2, 2, 3, 3, 4)])
    lon, lat = plane.to_degrees(east, np.full(8, start.y))
    home_east = np.array([start.x + PIPE_M * (k + share) for k in range(4) for share in (0.25, 0.5, 0.75)])
    home_lon, home_lat = plane.to_degrees(home_east, np.full(12, start.y + 15.0))
    numbers = range(12)
    return Town(
        srid=plane.srid,
        node_count=5,
        pipe_from=np.array([0, 1, 2, 3]),
        pipe_to=np.array([1, 2, 3, 4]),
        pipe_length_m=np.full(4, PIPE_M),
        pipe_closed=np.zeros(4, dtype=bool),
        line_start=np.array([0, 2, 4, 6, 8]),
        vertex_lon=lon,
        vertex_lat=lat,
        sources=np.array([0]),
        valve_pipe=np.array([1, 2, 3]),
        valve_at_to=np.zeros(3, dtype=bool),
        valve_closed=np.zeros(3, dtype=bool),
        valve_stuck=np.zeros(3, dtype=bool),
        account_no=np.array([f"A{n:03d}" for n in numbers]),
        name=np.array([f"Customer {n}" for n in numbers]),
        phone=np.array([f"+12015550{100 + n}" for n in numbers]),
        street=np.array(["Satamakatu"] * 12),
        house_number=np.array([str(2 * n + 1) for n in numbers]),
        town_name=np.array(["Helsinki"] * 12),
        home_lon=home_lon,
        home_lat=home_lat,
        customer_pipe=np.repeat(np.arange(4), 3),
    )
