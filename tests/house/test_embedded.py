"""The embedded server starts where it can, says why where it cannot, and stops with its last user."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from marketplace.kernel import keys
from marketplace.kernel.embedded import DataDirectoryUnusable, start

ROOT = Path(__file__).resolve().parents[2]
USER = """
import sys
from pathlib import Path
from marketplace.kernel import embedded
print(embedded.start(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def use(data_dir: Path) -> subprocess.Popen[str]:
    """A process that uses the server until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(data_dir)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline().startswith("postgresql://")
    return process


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def server_pid(data_dir: Path) -> int | None:
    file = data_dir / "postgres" / "postmaster.pid"
    return int(file.read_text().split()[0]) if file.exists() else None


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    pid = server_pid(tmp_path)
    if pid and psutil.pid_exists(pid):
        os.kill(pid, signal.SIGINT)  # PostgreSQL's fast shutdown


@pytest.mark.slow
def test_the_last_user_stops_the_server_and_not_the_first(data_dir: Path) -> None:
    first, second = use(data_dir), use(data_dir)
    server = server_pid(data_dir)
    assert server is not None

    first.communicate("", timeout=20)
    assert is_alive(server)

    second.communicate("", timeout=20)
    assert server_pid(data_dir) is None
    assert not is_alive(server)


@pytest.mark.slow
def test_a_user_ended_by_sigterm_stops_the_server_too(data_dir: Path) -> None:
    user = use(data_dir)
    user.terminate()
    user.wait(20)
    assert server_pid(data_dir) is None


@pytest.mark.slow
def test_a_crash_of_the_server_and_a_pid_of_another_program_do_not_prevent_the_next_start(
    data_dir: Path,
) -> None:
    user = use(data_dir)
    server = server_pid(data_dir)
    assert server is not None
    user.kill()
    for process in [*psutil.Process(server).children(), psutil.Process(server)]:
        with contextlib.suppress(psutil.NoSuchProcess):  # a backend may end by itself meanwhile
            process.kill()
    psutil.wait_procs([psutil.Process(server)] if psutil.pid_exists(server) else [], timeout=5)
    file = data_dir / "postgres" / "postmaster.pid"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    again = use(data_dir)
    again.communicate("", timeout=20)
    assert again.returncode == 0


def test_a_directory_that_cannot_be_made_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        DataDirectoryUnusable, match=r"DATA_DIR=.*/file cannot be written .*DATA_DIR=/path make run"
    ):
        start(tmp_path / "file")


def test_processes_that_start_at_once_share_one_set_of_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    code = (
        "import sys, json; from pathlib import Path; from marketplace.kernel import keys;"
        " print(json.dumps(keys.load_or_create(Path(sys.argv[1]))))"
    )

    def make(_number: int) -> str:
        command = [sys.executable, "-c", code, str(path)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(4) as pool:
        made = {json.dumps(json.loads(text), sort_keys=True) for text in pool.map(make, range(4))}
    assert made == {json.dumps(keys.load_or_create(path), sort_keys=True)}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["keys.json"]


def test_threads_of_one_process_share_one_set_of_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with ThreadPoolExecutor(8) as pool:
        made = {json.dumps(each) for each in pool.map(lambda _: keys.load_or_create(path), range(8))}
    assert len(made) == 1
