"""A password in the form of Mosquitto's password file. Standard library only: the launcher needs it before anything is installed."""

import base64
import hashlib
import secrets

HASH_ITERATIONS = 101  # mosquitto_passwd's own; passwords are random, so stretching them adds nothing
SALT_BYTES = 12  # Mosquitto 2.0 refuses any other length


def mosquitto_hash(password: str, *, salt: bytes | None = None, iterations: int = HASH_ITERATIONS) -> str:
    """Hash a password as Mosquitto's password file wants it.

    Parameters
    ----------
    salt
        Twelve bytes; random when left out.

    Returns
    -------
    hash
        `$7$iterations$salt$hash`, PBKDF2 with SHA-512, base64.
    """
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
