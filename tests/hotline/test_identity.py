"""Numbers in one form, masks, keys."""

from uuid import uuid4

import pytest

from core.settings import Settings
from hotline.identity import caller_key, mask_phone, normalise_phone


@pytest.mark.parametrize(
    ("written", "phone"),
    [
        ("138 0013 8000", "+8613800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        ("029/8888 7777", "+862988887777"),
        ("+358 40 123 4567", "+358401234567"),
    ],
)
def test_the_same_number_is_the_same_however_it_is_written(written: str, phone: str) -> None:
    assert normalise_phone(written, region="CN") == phone


def test_what_cannot_be_a_number_is_kept_as_its_digits() -> None:
    assert normalise_phone("ext. 8012", region="CN") == "8012"
    assert normalise_phone("9" * 60, region="CN") == "9" * 32


def test_without_a_digit_there_is_no_number() -> None:
    assert normalise_phone("withheld", region="CN") is None
    assert normalise_phone("", region="CN") is None
    assert normalise_phone(None, region="CN") is None


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("+8613800138000", "138****8000"),
        ("+12025550001", "202****0001"),
        ("+35840123456", "40****56"),
        ("8012", "****"),
        (None, None),
    ],
)
def test_a_masked_number_shows_its_ends_only(phone: str | None, shown: str | None) -> None:
    assert mask_phone(phone) == shown


def test_a_caller_has_one_key_by_his_number_and_it_tells_nothing(settings: Settings) -> None:
    phone = "+8613800138000"
    one = caller_key(settings, phone=phone, account_no="1", report_id=uuid4())
    other = caller_key(settings, phone=phone, account_no=None, report_id=uuid4())
    assert one == other
    assert phone[1:] not in one
    assert len(one) == 64


def test_a_caller_without_number_is_known_by_his_account_else_by_nothing(settings: Settings) -> None:
    by_account = [caller_key(settings, phone=None, account_no="1", report_id=uuid4()) for _ in range(2)]
    by_nothing = [caller_key(settings, phone=None, account_no=None, report_id=uuid4()) for _ in range(2)]
    assert len(set(by_account)) == 1
    assert len(set(by_nothing)) == 2


def test_strangers_with_a_withheld_number_are_not_taken_for_one(settings: Settings) -> None:
    keys = {caller_key(settings, phone="0", account_no=None, report_id=uuid4()) for _ in range(2)}
    assert len(keys) == 2
