"""Where files are kept: under DATA_DIR/evidence, or in a bucket (settings.STORAGES["evidence"]).

A key is made of the month and a random name, never of what the sender wrote.
"""

import secrets
from datetime import datetime
from pathlib import Path

from django.core.files import File
from django.core.files.storage import Storage, storages

SMALL = "-small.webp"


def files() -> Storage:
    return storages["evidence"]


def new_key(extension: str, now: datetime) -> str:
    return f"{now:%Y/%m}/{secrets.token_hex(16)}.{extension}"


def small_key(key: str) -> str:
    """Of an image's thumbnail."""
    return key + SMALL


def keep(key: str, path: Path) -> None:
    """Store a file under a key that was never used."""
    with path.open("rb") as file:
        stored = files().save(key, File(file))
    if stored != key:  # a storage renames what would overwrite; a random key never does
        files().delete(stored)
        raise FileExistsError(key)


def discard(key: str) -> None:
    """Remove what is stored under a key, and its thumbnail. Nothing there is nothing to do."""
    files().delete(small_key(key))
    files().delete(key)
