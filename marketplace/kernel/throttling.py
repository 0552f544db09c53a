"""Fixed-window counters in the cache: one increment a request, and a Retry-After when it is too much."""

import time
from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from .http import client_address


class FixedWindow(SimpleRateThrottle):
    """SimpleRateThrottle keeps a list of instants per caller and rewrites it each time; this keeps a number."""

    duration: int  # seconds, and requests in them: read from the scope's rate by the base class
    num_requests: int

    def allow_request(self, request: Request, view: Any) -> bool:
        ident = self.ident(request)
        if ident is None:
            return True
        now = time.time()
        window = int(now // self.duration)
        self.remaining = (window + 1) * self.duration - now
        key = f"throttle:{self.scope}:{ident}:{window}"
        if cache.add(key, 1, self.duration + 1):
            return True
        try:
            return bool(cache.incr(key) <= self.num_requests)
        except ValueError:  # expired between add and incr
            return True

    def wait(self) -> float:
        return float(self.remaining)

    def ident(self, request: Request) -> str | None:
        raise NotImplementedError


class PerUser(FixedWindow):
    scope = "user"

    def ident(self, request: Request) -> str | None:
        return str(request.user.pk) if request.user else None


class PerAddress(FixedWindow):
    scope = "address"

    def ident(self, request: Request) -> str | None:
        return client_address(request)


class Login(PerAddress):
    scope = "login"
