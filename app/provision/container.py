"""What must be done before the containers' processes start: `python -m app.provision.container`."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from app.provision import servers, workspaces
from app.provision.errors import ProvisionError
from app.provision.mosquitto import Broker
from app.provision.progress import tell

BROKER_PORT = 1883
BROKER_HOST = "0.0.0.0"
"""Inside its container; what reaches it from outside is the compose file's to say."""


def prepare(settings: Mapping[str, str]) -> None:
    """Bring the database up to date and write the broker's files."""
    url = servers.sqlalchemy_url(settings["DATABASE_URL"])
    servers.check_database(url)
    workspaces.bring_up_to_date(url)
    broker = Broker(Path(settings["MAINLINE_BROKER_FOLDER"]))
    workspaces.configure_broker(broker, settings, database_url=url, port=BROKER_PORT, host=BROKER_HOST)


if __name__ == "__main__":
    try:
        prepare(os.environ)
    except ProvisionError as error:
        tell(f"mainline: {error}")
        sys.exit(error.exit_status)
