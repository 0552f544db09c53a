"""How the desk's statements are planned: anew, for the values they carry."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse


class DeskPlans:
    """Middleware. Statements of the desk are not prepared.

    A prepared statement is soon planned for any values. Of the few rows that a queue shows the planner then thinks that they
    are found at once wherever it begins, for it does not see that a state is rare, nor that a partial index is of that
    state: at a million cases the counts of the side bar took 0.4 s instead of 5 ms from their eleventh time on.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            if hasattr(request, "_kept_threshold"):
                driver, threshold = request._kept_threshold
                driver.prepare_threshold = threshold

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        match = request.resolver_match
        if match is not None and match.app_name == "admin":
            connection.ensure_connection()
            driver = connection.connection
            request._kept_threshold = driver, driver.prepare_threshold  # type: ignore[attr-defined]
            driver.prepare_threshold = None
