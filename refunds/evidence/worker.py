"""The process that takes one file apart: python -m refunds.evidence.worker SOURCE TARGET SMALL TYPE LIMITS.

Writes the cleaned file and prints what it found as JSON. It bounds itself before it looks at the file, so that a
bomb ends this process and not the server.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

from .cleaned import Cleaned, Limits
from .faults import Fault, Unacceptable
from .sniff import IMAGES, PDF

MEMORY = 2 * 1024**3  # bytes of address space: a picture of 50 megapixels decoded, turned and written
CPU_SECONDS = 30
WRITTEN = 256 * 1024 * 1024


def main(arguments: list[str]) -> dict[str, Any]:
    source, target, small, kind, bounds = arguments
    try:
        found = _clean(Path(source), Path(target), Path(small), kind, Limits(*json.loads(bounds)))
    except Unacceptable as refused:
        return {"fault": refused.fault, "facts": refused.facts}
    except MemoryError:
        return {"fault": Fault.TOO_COMPLEX, "facts": {}}
    except Exception as error:  # parsers raise a dozen kinds for a file that is not what it says
        return {"fault": Fault.DAMAGED, "facts": {}, "why": f"{type(error).__name__}: {error}"}
    return {"found": found}


def _clean(source: Path, target: Path, small: Path, kind: str, limits: Limits) -> Cleaned:
    if kind in IMAGES:
        from . import images

        return images.clean(source, target, small, kind, limits)
    if kind == PDF:
        from . import pdf

        return pdf.clean(source, target, limits)
    from . import video

    return video.clean(source, target)


if __name__ == "__main__":
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, WRITTEN),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    sys.stdout.write(json.dumps(main(sys.argv[1:])))
