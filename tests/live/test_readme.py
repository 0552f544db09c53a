"""The README's walk, run as a reader would paste it."""

import re
import subprocess
from collections.abc import Callable

from .stack import ROOT, Stack


def test_readme_walk_ends_with_money_back(start: Callable[..., Stack]) -> None:
    stack = start()
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    [walk] = [block for block in blocks if "one-click-refund" in block]
    done = subprocess.run(
        ["bash", "-c", walk], cwd=ROOT, env=stack.environment, capture_output=True, text=True, timeout=120
    )
    assert '"state":"refunded"' in done.stdout, done.stdout + done.stderr
    assert "breaks=0" in done.stdout
