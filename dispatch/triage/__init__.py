"""Which incident a report belongs to: a stream of calls, each taken once in order, and the causes that explain them best.

`engine` decides; `supply` and `habits` hold what it knows, `evidence` weighs, `outages`, `groups`, `sites`, `works` and `repeats` are the kinds of
explanation, `rumours` is none. `live` carries it on in step with what is stored, `placing` does what it decided; `bundle` and `replay` go through
recorded calls instead, and `learning` tells from such how people call. `rules` is what people may set; `trials` tries other rules on the calls of
the last days, and `comparing` tells what differs.
"""
