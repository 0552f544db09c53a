"""A case put together for somebody outside of it: the time-line, the document, and the archive with its hashes.

Requirements D5, D6 and F10. What a reader may not see on a screen is in no file made for them (views.py).
"""
