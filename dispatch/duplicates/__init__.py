"""What is probably known already of a report while it is being taken."""
