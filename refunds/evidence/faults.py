"""What may be wrong with a file. Codes only: the words are in operations/refused_files.py."""

from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    EMPTY = "file_empty"
    TYPE = "file_type"
    TOO_LARGE = "file_too_large"
    DAMAGED = "file_damaged"
    ANIMATED = "file_animated"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_PAGES = "too_many_pages"
    ENCRYPTED = "file_encrypted"
    ACTIVE = "file_active"
    TOO_COMPLEX = "file_too_complex"


class Unacceptable(Exception):
    """The file is not kept. `facts` are JSON values that help its owner to mend it."""

    def __init__(self, fault: Fault, **facts: Any) -> None:
        super().__init__(fault.value, facts)
        self.fault = fault
        self.facts = facts
