"""Documents that cannot rot: settings, catalogues of problems, words without machines in them."""

import re
import subprocess

import pytest

from app.provision.state import CHECKOUT
from core.settings import Settings

TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=False
).stdout.split()


def test_every_setting_stands_in_the_operations_manual_with_its_default() -> None:
    manual = (CHECKOUT / "docs" / "operations.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        variable = field.validation_alias or f"MAINLINE_{name.upper()}"
        assert f"`{variable}`" in manual, variable
        assert field.description, name


def test_settings_that_measure_say_their_unit() -> None:
    units = (
        "_s",
        "_m",
        "_ms",
        "_minutes",
        "_hours",
        "_days",
        "_bytes",
        "_pct",
        "_mps",
        "_max",
        "_min",
        "_rows",
        "_events",
        "_per_1000_day",
    )
    counts = {"web_port", "database_pool_size", "deadline_batch"}
    for name, field in Settings.model_fields.items():
        if field.annotation in (int, float) and name not in counts:
            assert name.endswith(units), name


@pytest.mark.skipif(not TRACKED, reason="not a git checkout")
def test_no_tracked_file_names_a_registry_or_a_folder_of_one_machine() -> None:
    forbidden = re.compile(
        r"registry\.npm" + r"js|files\.python" + r"hosted|pypi\.org/simple|/ro" + r"ot/\.|/home/\w+/"
    )
    for name in TRACKED:
        path = CHECKOUT / name
        if not path.is_file() or path.suffix in {".png", ".gz", ".npz", ".pbf"}:
            continue
        match = forbidden.search(path.read_text(encoding="utf-8", errors="ignore"))
        assert match is None, (name, match and match.group())


@pytest.mark.skipif(not TRACKED, reason="not a git checkout")
def test_only_the_edges_commit() -> None:
    edges = re.compile(r"^(app/|core/(db|outbox|deadlines)\.py|tests/|bench/|migrations/)")
    for name in TRACKED:
        if name.endswith(".py") and not edges.match(name):
            assert ".commit()" not in (CHECKOUT / name).read_text(encoding="utf-8"), name


@pytest.mark.skipif(not TRACKED, reason="not a git checkout")
def test_srids_stand_in_one_file() -> None:
    literal = re.compile(r"\b(4326|3857)\b")
    allowed = re.compile(r"^(gis/coordinates\.py|core/scope\.py|tests/|migrations/|gis/synthetic/)")
    for name in TRACKED:
        if name.endswith(".py") and not allowed.match(name):
            code = re.sub(
                r'""".*?"""|#.*', "", (CHECKOUT / name).read_text(encoding="utf-8"), flags=re.DOTALL
            )
            assert not literal.search(code), name
