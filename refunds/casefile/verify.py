"""Check an archive without this product: python -m refunds.casefile.verify FILE.zip

Every file must have the hash MANIFEST.sha256 gives, no file may stand there unlisted, and manifest.json must agree.
"""

import hashlib
import json
import sys
from zipfile import BadZipFile, ZipFile

SUMS = "MANIFEST.sha256"


def faults(path: str) -> list[str]:
    """What does not hold; nothing where all does. Raises OSError, BadZipFile."""
    with ZipFile(path) as archive:
        names = archive.namelist()
        if SUMS not in names:
            return [f"{SUMS} is missing"]
        lines = archive.read(SUMS).decode().splitlines()
        listed = {name: digest for digest, _gap, name in (line.partition("  ") for line in lines)}
        stated = json.loads(archive.read("manifest.json"))["files"] if "manifest.json" in names else []
        found = [
            f"{name}: more than once" for name in sorted({name for name in names if names.count(name) > 1})
        ]
        found += [f"{name}: not listed" for name in sorted(set(names) - set(listed) - {SUMS})]
        found += [f"{name}: missing" for name in sorted(set(listed) - set(names))]
        for name in sorted(set(listed) & set(names)):
            if _sha256(archive, name) != listed[name]:
                found.append(f"{name}: altered")
        found += [
            f"{each['file']}: differs from manifest.json"
            for each in stated
            if listed.get(each["file"]) != each["sha256"]
        ]
        return found


def _sha256(archive: ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as file:
        while chunk := file.read(1024 * 1024):
            digest.update(chunk)
    return digest.hexdigest()


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m refunds.casefile.verify FILE.zip")
        return 2
    try:
        found = faults(arguments[0])
    except (OSError, BadZipFile, ValueError, KeyError) as error:
        found = [f"unreadable: {error}"]
    print("\n".join(found) if found else "every file is as it was made")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
