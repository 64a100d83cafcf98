"""A process that lets EPANET solve models at one moment: `python -m gis.epanet_run FILE.inp …` writes each one's pressures beside it."""

import json
import sys
import warnings
from pathlib import Path

from wntr.epanet.toolkit import ENepanet

EN_NODECOUNT, EN_PRESSURE = 0, 11


def pressures(file: Path) -> dict[str, float]:
    """Solve one model: the pressure at each node, metres."""
    engine = ENepanet()
    engine.ENopen(str(file), str(file.with_suffix(".rpt")), str(file.with_suffix(".bin")))
    try:
        engine.ENopenH()
        engine.ENinitH(0)
        engine.ENrunH()
        nodes = range(1, engine.ENgetcount(EN_NODECOUNT) + 1)
        return {engine.ENgetnodeid(node): engine.ENgetnodevalue(node, EN_PRESSURE) for node in nodes}
    finally:
        engine.ENclose()


def main(files: list[str]) -> int:
    """Solve every model; 1 with a line that says why when EPANET refuses one."""
    warnings.simplefilter("ignore")  # nodes cut off from every source are what is looked for
    for name in files:
        file = Path(name)
        try:
            found = pressures(file)
        except Exception as error:  # noqa: BLE001  # whatever it is, the parent process tells it to whoever asked
            sys.stderr.write(f"{error}\n")
            return 1
        file.with_suffix(".json").write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
