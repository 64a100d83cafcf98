"""Who a caller is, without telling: numbers in one form, numbers masked, keys that are the same for the same caller."""

import hmac
from uuid import UUID

import phonenumbers

from core.settings import Settings
from gis.phones import to_e164

DIGITS_MAX = 32
MASK = "****"


def normalise_phone(written: str | None, *, region: str) -> str | None:
    """Bring a number to E.164.

    Parameters
    ----------
    written
        As the caller, a switchboard or a form gave it.
    region
        ISO 3166 code of the country meant where no country code is written.

    Returns
    -------
    phone
        E.164, or the digits alone where it cannot be a number of that country (an internal extension, a slip); None without any digit.
    """
    if not written:
        return None
    return to_e164(written, region=region) or phonenumbers.normalize_digits_only(written)[:DIGITS_MAX] or None


def mask_phone(phone: str | None) -> str | None:
    """Show only as much of a number as lets two be told apart: `138****8000`."""
    if phone is None:
        return None
    digits = _national_digits(phone)
    if len(digits) >= 10:
        return f"{digits[:3]}{MASK}{digits[-4:]}"
    if len(digits) >= 7:
        return f"{digits[:2]}{MASK}{digits[-2:]}"
    return MASK


def caller_key(settings: Settings, *, phone: str | None, account_no: str | None, report_id: UUID) -> str:
    """Make a key that is the same for the same caller and tells nothing about him.

    Keyed, so that nobody without the secret can try out all numbers. Digits that are no number (`0` for one withheld, an extension) are shared
    by strangers and do not count. A caller without number and account is a caller of his own.
    """
    if phone is not None and phone.startswith("+"):
        who = f"phone:{phone}"
    else:
        who = f"account:{account_no}" if account_no else f"report:{report_id}"
    secret = settings.token_secret.get_secret_value().encode()
    return hmac.digest(secret, f"caller/{who}".encode(), "sha256").hex()


def _national_digits(phone: str) -> str:
    try:
        return phonenumbers.national_significant_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return phone
