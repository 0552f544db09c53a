"""How the API document describes a buyer's token."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BuyerTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "marketplace.identity.tokens.BuyerAuthentication"
    name = "buyerToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "From sign-in, or from the shop."}
