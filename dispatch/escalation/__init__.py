"""Who must be told of what, by when, and proof that they were.

A rule of the trade, so dispatch's: core counts working days and runs clocks, and knows no incidents. Rules are rows
(`rules.py`); what befalls an escalation in what order is decided by pure functions (`course.py`); the named steps stand in
`steps.py`; clusters, merges, closings and calendars reach it as events (`handlers.py`).
"""
