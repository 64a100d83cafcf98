"""Whom to call for what is not ours: branches, partners, emergency and government hotlines."""
