"""Who is calling: a shop that signs the raw body by Standard Webhooks (id, timestamp, HMAC-SHA256)."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from marketplace.intake import shops
from marketplace.kernel import crypto, idempotency
from marketplace.kernel.http import KeyRequired

HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
# An unknown shop costs the same work and gets the same answer as a wrong signature.
_NOBODY = shops.CallingShop(0, "", shops.new_secret())


class ShopSignature(BaseAuthentication):
    """Sets request.user to the calling shop. The body is verified before anything parses it."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        body = request._request.body
        shop = shops.calling(request.headers.get("X-Shop", "")) or _NOBODY
        headers = {name: request.headers.get(name, "") for name in HEADERS}
        try:
            Webhook(shop.secret).verify(body, headers, json_parse=False)
        except (
            WebhookVerificationError,
            ValueError,
        ) as error:  # ValueError: not base64, not "v1,…", not UTF-8
            raise AuthenticationFailed(self.REFUSED) from error
        if shop is _NOBODY:
            raise AuthenticationFailed(self.REFUSED)
        return shop, None

    def authenticate_header(self, request: Request) -> str:
        return "StandardWebhooks"

    REFUSED = _(
        "The signature was not accepted. Sign webhook-id, webhook-timestamp (within 5 minutes of now) and the raw body"
        " with the secret of the shop named in X-Shop."
    )


class ShopSignatureScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "marketplace.intake.api.signature.ShopSignature"
    name = "ShopSignature"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "webhook-signature",
            "description": "v1,<base64 of HMAC-SHA256 over webhook-id.webhook-timestamp.body>",
        }


def message_key(request: Request) -> idempotency.Key:
    """webhook-id is the idempotency key. Raises KeyRequired where it cannot be one.

    The fingerprint is keyed, because a plain hash of a body would let its card code be guessed.
    """
    value = request.headers["webhook-id"]
    if len(value) > 255 or not all("!" <= c <= "~" for c in value):
        raise KeyRequired(
            _("webhook-id must be 1 to 255 visible ASCII characters, new for each new message.")
        )
    plain = idempotency.fingerprint(request.method or "", request.path, request._request.body)
    return idempotency.Key(f"shop:{request.user.pk}", value, crypto.fingerprint(plain.hex()))
