"""Ids made where the rows are made."""

# Version 7: 48 bits of milliseconds, then chance; PostgreSQL 15 makes only version 4, whose marks are put right here.
NEW_ID_SQL = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
    52, 1), 53, 1), 'hex')::uuid"""
"""SQL that makes a UUID version 7."""
