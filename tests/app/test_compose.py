"""The container route: checked as far as it can be without an engine."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import SecretStr

from app.provision import cluster, container, healthcheck, mosquitto, supervisor
from app.provision.mosquitto import Broker
from app.provision.state import CHECKOUT, free_port, port_is_free
from core.settings import Settings
from tests.app.provisioning import reachable_folder, wait_until
from tests.brokers import Phone
from tracker.broker_password import mosquitto_hash

COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8")
PRODUCT = [name for name, _ in supervisor.PYTHON_PROCESSES]
SECRET = re.compile(r"\$\{(MAINLINE_[A-Z_]+):\?[^}]+\}")

# What `.env` must hold: docs/operations.md names these and no others.
SECRETS = {
    "MAINLINE_DATABASE_PASSWORD",
    "MAINLINE_TOKEN_SECRET",
    "MAINLINE_MQTT_INGEST_PASSWORD",
    "MAINLINE_MQTT_PUBLISHER_PASSWORD",
}


def environment_name(field: str) -> str:
    alias = Settings.model_fields[field].validation_alias
    return alias if isinstance(alias, str) else f"MAINLINE_{field.upper()}"


def test_file_is_valid_by_the_compose_specification() -> None:
    schema = json.loads(Path(__file__).with_name("compose_spec.json").read_text(encoding="utf-8"))
    errors = jsonschema.Draft201909Validator(schema).iter_errors(COMPOSE)
    assert [f"{list(error.path)}: {error.message}" for error in errors] == []


def test_services_are_the_processes_of_the_launcher_and_what_they_need() -> None:
    assert set(SERVICES) == {"postgres", "prepare", supervisor.BROKER, *PRODUCT}
    for name, module in supervisor.PYTHON_PROCESSES:
        assert SERVICES[name]["command"] == ["python", "-m", module]
    assert SERVICES["prepare"]["command"] == ["python", "-m", container.__name__]


def test_every_image_is_pinned_or_built_from_here() -> None:
    images = {name: service["image"] for name, service in SERVICES.items()}
    assert images["postgres"] == "postgis/postgis:15-3.4"
    assert images["mosquitto"] == "eclipse-mosquitto:2.0"
    for name in ("prepare", *PRODUCT):
        assert SERVICES[name]["build"] == "."
        assert images[name] == "mainline:latest"
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == [
        "node:20-bookworm-slim",
        "python:3.11-slim-bookworm",
    ]


def test_ports_are_published_to_this_machine_only() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"mosquitto": ["127.0.0.1:18830:1883"], "web": ["127.0.0.1:8080:8080"]}
    assert SERVICES["web"]["environment"]["MAINLINE_WEB_PORT"] == "8080"
    assert f"@mosquitto:{container.BROKER_PORT}" in SERVICES["ingest"]["environment"]["MQTT_URL"]


def test_what_must_last_lies_on_a_volume() -> None:
    mounted = {
        name: [volume.split(":") for volume in service.get("volumes", [])]
        for name, service in SERVICES.items()
    }
    named = {volume[0] for volumes in mounted.values() for volume in volumes if not volume[0].startswith(".")}
    assert named == set(COMPOSE["volumes"]) == {"postgres", "broker"}
    assert ["postgres", "/var/lib/postgresql/data"] in mounted["postgres"]
    folder = SERVICES["worker"]["environment"]["MAINLINE_BROKER_FOLDER"]
    for name in ("prepare", "mosquitto", "worker"):
        assert ["broker", folder] in mounted[name]
    assert SERVICES["mosquitto"]["command"][-1] == folder
    assert f"chown 1883:1883 {folder}" in DOCKERFILE
    for source in (
        volume[0] for volumes in mounted.values() for volume in volumes if volume[0].startswith(".")
    ):
        assert (CHECKOUT / source).exists()


def test_every_service_that_stays_is_checked_and_waited_for() -> None:
    lasting = set(SERVICES) - {"prepare"}
    assert {name for name in SERVICES if "healthcheck" in SERVICES[name]} == lasting
    assert {SERVICES[name]["restart"] for name in lasting} == {"unless-stopped"}
    for name in PRODUCT:
        assert SERVICES[name]["healthcheck"]["test"] == ["CMD", "python", "-m", healthcheck.__name__, name]
        assert SERVICES[name]["depends_on"] == {
            "prepare": {"condition": "service_completed_successfully"},
            "mosquitto": {"condition": "service_healthy"},
        }
    assert SERVICES["prepare"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_every_setting_the_launcher_makes_is_made_here_too() -> None:
    known = {environment_name(field) for field in Settings.model_fields}
    for name in ("prepare", *PRODUCT):
        given = set(SERVICES[name]["environment"])
        assert given <= known
        required = {
            environment_name(field) for field, info in Settings.model_fields.items() if info.is_required()
        }
        made_by_launcher = {
            "MQTT_URL",
            "MAINLINE_MQTT_PUBLISHER_URL",
            "MAINLINE_BROKER_FOLDER",
            "MAINLINE_WORKSPACE",
            "MAINLINE_RUN_DIR",
            "MAINLINE_PAGES_DIR",
            "MAINLINE_WEB_PORT",
        }
        assert required | made_by_launcher <= given
        assert SERVICES[name]["env_file"] == ".env", "any other setting comes from there"


def test_settings_are_taken_by_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in SERVICES["worker"]["environment"].items():
        monkeypatch.setenv(key, SECRET.sub("s" * 40, value))
    settings = Settings()  # type: ignore[call-arg]  # filled from the environment
    assert settings.database_url == SecretStr(
        f"postgresql+psycopg://mainline:{'s' * 40}@postgres:5432/mainline_main"
    )
    assert str(settings.run_dir) == SERVICES["worker"]["tmpfs"][0].partition(":")[0]
    assert f"COPY --from=pages /build/dist/ {Path(str(settings.pages_dir)).name}/" in DOCKERFILE


def test_no_secret_stands_in_the_file_and_every_one_is_asked_for() -> None:
    text = (CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8")
    assert set(SECRET.findall(text)) == SECRETS
    for line in text.splitlines():
        if re.search(r"PASSWORD|SECRET|://", line):
            assert SECRET.search(line), line
    manual = (CHECKOUT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [secret for secret in sorted(SECRETS) if secret not in manual] == []


def test_database_server_runs_with_the_launchers_settings() -> None:
    given = dict(option.removeprefix("-c").split("=", 1) for option in SERVICES["postgres"]["command"][1:])
    ours = {key: value.strip("'") for key, value in cluster.SETTINGS.items()}
    # Where it listens and logs is the image's; scram has been the default since 14.
    elsewhere = {"listen_addresses", "unix_socket_directories", "password_encryption", "logging_collector"}
    elsewhere |= {
        key
        for key in ours
        if key.startswith(("log_directory", "log_filename", "log_truncate", "log_rotation"))
    }
    assert given == {key: value for key, value in ours.items() if key not in elsewhere}


def test_image_holds_every_package_and_nothing_of_the_tests() -> None:
    copied = set(re.findall(r"^COPY (\w+)/ \1/$", DOCKERFILE, re.MULTILINE))
    packages = {path.parent.name for path in CHECKOUT.glob("*/__init__.py")} - {"tests", "bench"}
    assert copied == packages | {"migrations"}
    ignored = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").split()
    assert ignored[0] == "*"
    assert {f"!{name}/" for name in copied} <= set(ignored)


def test_brokers_script_has_it_read_a_changed_password_file_and_ends_with_it() -> None:
    with reachable_folder() as folder:
        broker, port = Broker(folder / "mosquitto"), free_port()
        mosquitto.configure(broker, port=port, service_passwords={"ingest": "x", "publisher": "x"})
        process = subprocess.Popen(
            ["sh", str(CHECKOUT / "compose" / "broker.sh"), str(broker.folder)],
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/bin"},
            **mosquitto.account().popen_arguments(),
        )
        try:
            wait_until(lambda: not port_is_free(port))
            broker.pid_file.unlink()  # in another container, its number means nothing to us
            mosquitto.write_credentials(broker, {"C-07": mosquitto_hash("x")})
            phone = Phone(port, "C-07", "x")
            while not phone.is_let_in():
                pass  # it tries again by itself
            phone.close()
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) is not None
        wait_until(lambda: port_is_free(port))


def test_health_is_a_fresh_heartbeat(tmp_path: Path) -> None:
    settings = {"MAINLINE_RUN_DIR": str(tmp_path), "MAINLINE_WEB_PORT": str(free_port())}
    assert healthcheck.is_healthy("web", settings) is False
    assert healthcheck.is_healthy("worker", settings) is False
    (tmp_path / "worker.heartbeat").touch()
    assert healthcheck.is_healthy("worker", settings) is True
    old = time.time() - 3600
    os.utime(tmp_path / "worker.heartbeat", (old, old))
    assert healthcheck.is_healthy("worker", settings) is False
