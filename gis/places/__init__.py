"""What lies near a place: the facts an agent tells from, and pictures."""
