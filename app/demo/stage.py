"""Everything the simulators are given to play: the city, addresses of the product, log-ins; kept 0600 in the workspace folder."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from app.demo.fleet import CrewCredentials
from app.demo.phone import Broker
from app.provision.state import SECRET_MODE, write_atomically
from gis.coordinates import LonLat

FILE = "demo.json"


@dataclass(frozen=True, slots=True)
class Stage:
    """A prepared workspace, as the world outside sees it.

    Parameters
    ----------
    passwords
        Of the demo's people: agent, dispatcher, supervisor, leader, director, admin.
    bundle
        Folder of the city's files.
    """

    web_url: str
    broker: Broker
    passwords: Mapping[str, str]
    crews: tuple[CrewCredentials, ...]
    bundle: Path

    def save(self, folder: Path) -> None:
        """Keep it in the workspace folder, readable by its owner only."""
        write_atomically(
            folder / FILE, json.dumps(asdict(self), default=str, indent=1) + "\n", mode=SECRET_MODE
        )

    @classmethod
    def load(cls, folder: Path) -> "Stage":
        """Read what `save` wrote.

        Raises
        ------
        FileNotFoundError
            No demo was prepared here.
        """
        kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
        crews = tuple(CrewCredentials(**{**crew, "depot": LonLat(**crew["depot"])}) for crew in kept["crews"])
        return cls(
            web_url=kept["web_url"],
            broker=Broker(**kept["broker"]),
            passwords=kept["passwords"],
            crews=crews,
            bundle=Path(kept["bundle"]),
        )
