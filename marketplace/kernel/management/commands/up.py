"""Everything in one command: database, web, worker and scheduler, until Ctrl-C (`make run`)."""

import ctypes
import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management import CommandError, call_command, get_commands
from django.core.management.base import BaseCommand
from django.db import connections

from marketplace.kernel import embedded
from marketplace.kernel.supervisor import Program, Supervisor

# Two a core: while one waits for its commit to reach the disk, another works. One thread each.
WEB_WORKERS = int(os.environ.get("WEB_WORKERS", 2 * min(os.cpu_count() or 1, 8)))


class Command(BaseCommand):
    help = "Start the database, the web server, the worker and the scheduler; Ctrl-C ends them all."

    def handle(self, *args: Any, **options: Any) -> None:
        self.host, self.port = os.environ.get("HOST", "127.0.0.1"), _port()
        running = _claim(settings.DATA_DIR)
        supervisor = Supervisor(self._programs(), self._environment(), self._server())
        supervisor.listen()
        _end_with_make()
        try:
            _check_port(self.host, self.port)
            self._prepare(supervisor)
            if not supervisor.is_stopping:
                running.write(f"{os.getpid()} http://{self.host}:{self.port}/")
                running.flush()
                supervisor.run(self._is_ready, lambda: self._welcome(supervisor))
        finally:
            connections.close_all()
            if embedded.leave(settings.DATA_DIR):
                supervisor.say("database stopped")
        supervisor.say("stopped")

    def _prepare(self, supervisor: Supervisor) -> None:
        supervisor.say("preparing the database")
        call_command("migrate", interactive=False, verbosity=0)
        call_command("compile_translations", verbosity=0)
        demo = settings.DATA_DIR / "demo.json"
        wanted = os.environ.get("DEMO", "1") != "0" and "load_demo" in get_commands()
        if wanted and not supervisor.is_stopping:
            if not demo.exists():
                supervisor.say("loading the demo")
            call_command("load_demo")  # loads once, and gives its buyer a fresh token at every start
        connections.close_all()

    def _programs(self) -> list[Program]:
        granian = [
            *_tool("granian"),
            *("--interface", "wsgi", "--host", self.host, "--port", str(self.port), "--no-ws"),
            *("--workers", str(WEB_WORKERS), "--blocking-threads", "1", "--respawn-failed-workers"),
            *("--workers-kill-timeout", "5", "--log-level", "warning", "marketplace.wsgi:application"),
        ]
        celery = [*_tool("celery"), "--quiet", "--app", "marketplace"]
        worker = ["worker", "--pool", "threads", "--concurrency", "4", "--loglevel", "WARNING"]
        beat = [
            "beat",
            "--schedule",
            str(settings.DATA_DIR / "schedule"),
            "--pidfile",
            "",
            "--loglevel",
            "WARNING",
        ]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        return [
            Program("web", granian, 32),
            Program("worker", [*celery, *worker, *quiet], 33),
            Program("scheduler", [*celery, *beat], 35),
        ]

    def _environment(self) -> dict[str, str]:
        mode = "1" if settings.EMBEDDED else "0"
        return os.environ | {
            "DATABASE_URL": settings.DATABASE_URL,
            "DATA_DIR": str(settings.DATA_DIR),
            "EMBEDDED": mode,
            "PYTHONUNBUFFERED": "1",
            # Libraries warn of being root and of folders nobody needs; what matters is logged, not warned.
            "PYTHONWARNINGS": "ignore",
        }

    def _server(self) -> dict[str, object] | None:
        lock = embedded.lock_of(settings.DATA_DIR)
        if lock is None:
            return None
        command, user = embedded.stop_command(settings.DATA_DIR)
        return {"lock": lock, "stop": command, "user": user}

    def _is_ready(self) -> str:
        """ "" when it is; else why not."""
        host = _reachable(self.host)
        request = urllib.request.Request(
            f"http://{host}:{self.port}/health/ready/",
            headers={"Host": "localhost", "X-Forwarded-Proto": "https"},
        )
        try:
            with urllib.request.urlopen(request, timeout=2):  # noqa: S310 (our own address)
                return ""
        except urllib.error.HTTPError as error:
            return error.read(500).decode(errors="replace")
        except OSError as error:
            return str(error)

    def _welcome(self, supervisor: Supervisor) -> None:
        address = f"http://{_reachable(self.host)}:{self.port}"
        say = supervisor.say
        say(f"ready at {address}/")
        say(f"  staff      {address}/admin/")
        say(f"  sellers    {address}/portal/")
        say(f"  API        {address}/api/docs/")
        demo = settings.DATA_DIR / "demo.json"
        if demo.exists():
            for entry in json.loads(demo.read_text()):
                say(f"  {entry['label']:<10} {entry['value']}")
        if settings.SANDBOX_ANSWERS_FOR:
            say(f"  The sandbox answers for {', '.join(settings.SANDBOX_ANSWERS_FOR)}: no real money moves.")
        say("  Ctrl-C stops everything.")


def _port() -> int:
    text = os.environ.get("PORT", "8000")
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise CommandError(f"PORT={text} is not a port number. Name one from 1 to 65535: PORT=8001 make run")
    return int(text)


def _claim(data_dir: Path) -> IO[str]:
    """Hold DATA_DIR/run.lock as long as this process lives; one `up` at a time."""
    file = (data_dir / "run.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        pid, _, address = file.read().partition(" ")
        who = f"process {pid}, {address}" if address else "it is still starting"
        raise CommandError(
            f"Recourse runs already on DATA_DIR={data_dir} ({who}). "
            "Stop it first, or start a second one beside it: DATA_DIR=/another/path PORT=8001 make run"
        ) from error
    file.truncate(0)
    return file


def _check_port(host: str, port: int) -> None:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            other = port + 1 if port < 65535 else port - 1
            raise CommandError(f"Port {port} is taken. Choose another: PORT={other} make run") from error
        raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror}. Set HOST and PORT.") from error


def _reachable(host: str) -> str:
    """The address a browser on this machine uses."""
    if ":" in host:
        return "[::1]" if host == "::" else f"[{host}]"
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104


def _tool(name: str) -> list[str]:
    """The script beside this Python, wherever PATH points."""
    script = Path(sys.executable).with_name(name)
    return [str(script)] if script.exists() else [shutil.which(name) or name]


def _end_with_make() -> None:
    """On Linux, a `make` that is killed takes this process along, in order; it would go on unseen otherwise."""
    if "MAKELEVEL" in os.environ and sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
