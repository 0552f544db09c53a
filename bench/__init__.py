"""Measures the program against hand-written SQL on the same server, in the same run (docs/performance.md)."""
