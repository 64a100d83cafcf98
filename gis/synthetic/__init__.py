"""Builds a whole invented utility over real streets; imported only by commands, never by serving processes."""
