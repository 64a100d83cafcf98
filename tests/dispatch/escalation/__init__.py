"""Tests of who must be told of what, by when."""
