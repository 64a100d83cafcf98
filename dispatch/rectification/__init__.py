"""Assets that fail again and again: their faults counted, and the cure followed until it has held."""
