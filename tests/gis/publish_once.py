"""What the kill test runs as a process of its own: read a packed draft into a version, or publish one."""

import os
import sys
from pathlib import Path

from core.db import session_factory, transaction
from gis.versions import make_version, publish
from gis.versions.packing import unpack


def main() -> None:
    factory = session_factory(os.environ["DATABASE_URL"])
    with transaction(factory) as session:
        if sys.argv[1] == "read":
            make_version(session, unpack(Path(sys.argv[2]).read_bytes()), mapping=None, created_by=None)
        else:
            publish(session, int(sys.argv[2]), published_by=None)


if __name__ == "__main__":
    main()
