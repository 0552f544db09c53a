"""Keys the embedded set-up makes for itself, once, readable by the owner alone."""

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Any


def load_or_create(path: Path) -> dict[str, Any]:
    """Return {secret_key, field_keys, fingerprint_key}; create the file when it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = {
            "secret_key": secrets.token_urlsafe(48),
            "field_keys": ["k1:" + base64.b64encode(secrets.token_bytes(32)).decode()],
            "fingerprint_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        }
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(made, file)
        try:
            os.link(draft, path)  # whole or not at all
        except FileExistsError:
            pass  # another process or thread was first, and its keys count
        finally:
            draft.unlink()
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded
