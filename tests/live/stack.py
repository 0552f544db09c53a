"""The whole program as `make run` starts it: its own data directory, its own port, real processes."""

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 90.0


class Stack:
    """A running program, and what its users do to it."""

    def __init__(self, data_dir: Path, environment: dict[str, str], *, demo: bool = False) -> None:
        self.port = _free_port()
        # Nothing of the test run's own settings (its database, its broker in memory) may reach the program.
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        inherited["WEB_WORKERS"] = "1"  # four take as long to start as all the rest
        self.environment = inherited | environment | {
            "DATA_DIR": str(data_dir), "PORT": str(self.port), "DEMO": str(int(demo)), "LOG_LEVEL": "WARNING",
        }  # fmt: skip
        self.log = data_dir / "up.log"
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=self.environment,
            stdout=self.log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def until(self, what: Callable[[], bool], within: float = READY_WITHIN) -> None:
        """Wait for `what`, or fail with the log."""
        end = time.monotonic() + within
        while not what():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def is_ready(self) -> bool:
        try:
            return self.call("GET", "/health/ready/")[0] == 200
        except OSError:
            return False

    def manage(self, *words: str) -> str:
        """A management command in another terminal; its output."""
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, method=method)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def push(self, shop: str, secret: str, path: str, body: Any) -> Any:
        """Signed as Standard Webhooks has it, by hand: an outside program has none of our code."""
        payload, message_id, at = json.dumps(body).encode(), uuid.uuid4().hex, str(int(time.time()))
        signed = f"{message_id}.{at}.".encode() + payload
        mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
        status, answer = self.call(
            "POST",
            f"/api/v1/ingest/{path}",
            payload,
            {
                "X-Shop": shop,
                "webhook-id": message_id,
                "webhook-timestamp": at,
                "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
            },
        )
        assert status in (200, 201), answer
        return answer

    def children(self, name: str) -> list[psutil.Process]:
        """Our processes whose command line has this word."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in family if name in _command(child)]

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])
