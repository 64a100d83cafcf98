"""Telephone numbers in the one form in which accounts keep them."""

import phonenumbers


def to_e164(written: str, *, region: str) -> str | None:
    """Bring a number to E.164, or give None when it cannot be a number of that country.

    Parameters
    ----------
    written
        As somebody wrote it.
    region
        ISO 3166 code of the country meant where no country code is written.
    """
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return None
    # Stricter than is_possible_number, which also passes what can be dialled within one town only.
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
