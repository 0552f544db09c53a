"""What the API document says about the ingest calls."""

from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

CALLS = ("orders/", "orders/{external_no}/events/", "buyers/{external_id}/token/")


def test_every_call_is_described_without_warnings() -> None:
    GENERATOR_STATS.reset()
    schema = SchemaGenerator(urlconf="tests.intake.urls").get_schema(request=None, public=True)
    said = [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache]
    assert not [
        text for text in said if "ENUM_NAME_OVERRIDES" not in text
    ]  # those are about the rest of the API
    for call in CALLS:
        operation = schema["paths"][f"/api/v1/ingest/{call}"]["post"]
        headers = {one["name"] for one in operation["parameters"] if one["in"] == "header"}
        assert headers == {"X-Shop", "webhook-id", "webhook-timestamp", "webhook-signature"}
        assert {"400", "401", "422"} <= operation["responses"].keys()
        assert operation["requestBody"]["content"]["application/json"]["examples"]
    assert schema["components"]["schemas"]["PushedOrderRequest"]["additionalProperties"] is False
