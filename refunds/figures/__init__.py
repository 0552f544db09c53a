"""Figures over many cases (requirements K2, J1): how they are made from the history, and how they are read.

Rows by day are kept by operations/roll_up.py; what is few and of this moment (clocks past their time, money on its way,
open cases) is read as it is.
"""
