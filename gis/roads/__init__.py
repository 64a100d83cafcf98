"""Roads: the graph, closures laid over it, who gets there first and by which way.

`engine` is what the rest of the product asks; behind it `graph` keeps the arrays, `overlay` lays closures over, `snapping` and `searching`
do the work.
"""
