"""The policy lab (requirement J6): a draft tried on decided cases. Read here, judged here, counted here.

`cases` reads what was decided, `judging` decides it anew, `tally` counts, `result` makes of the counts what the page
says. The verbs (start, work, cancel, require) are in refunds.operations.
"""
