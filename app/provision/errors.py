"""What can go wrong while servers and processes are provided; each ends the command with one line and a status."""


class ProvisionError(Exception):
    """Something is missing or wrong on this machine; the message says what to do."""

    exit_status = 3


class ServerUnreachable(ProvisionError):
    """A server named by `DATABASE_URL` or `MQTT_URL` does not answer."""

    exit_status = 4
