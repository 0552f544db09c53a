"""The name a file came with, made fit to be shown and sent back. It never becomes a path."""

import unicodedata

LONGEST = 100  # characters


def clean_name(name: str, extension: str) -> str:
    """The last part of `name`, without what cannot be seen or turns the reading round, ending as the content does."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(char for char in unicodedata.normalize("NFC", last) if _is_harmless(char))
    stem = seen.rpartition(".")[0] if "." in seen.strip(".") else seen
    stem = " ".join(stem.split()).strip(". ")[: LONGEST - len(extension) - 1]
    return f"{stem or 'file'}.{extension}"


def _is_harmless(char: str) -> bool:
    return unicodedata.category(char)[0] != "C" and char not in '/\\:*?"<>|;%\u2028\u2029'
