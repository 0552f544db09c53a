"""Files people give: what they are, whether they are safe to keep, and where they are kept (requirement D3).

Small modules that know no table. What parses a file somebody sent runs in a process of its own (confine.py), and
imports no Django.
"""
