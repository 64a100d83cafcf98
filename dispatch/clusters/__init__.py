"""The supervisor's picture of the last weeks: large incidents, and how many reports each zone had against the usual."""
