"""The API document: every operation says what it takes, what it answers, and under which codes it refuses."""

from typing import Any

import jsonschema_rs
import pytest
from drf_spectacular.generators import SchemaGenerator

from marketplace.links import LINKS

METHODS = ("get", "post", "put", "patch", "delete")
SCHEMA: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
OPERATIONS = {
    operation["operationId"]: operation
    for path in SCHEMA["paths"].values()
    for method, operation in path.items()
    if method in METHODS
}


def _examples(media: dict[str, Any]) -> list[Any]:
    return [each["value"] for each in media.get("examples", {}).values()]


def _is_file(media: dict[str, Any]) -> bool:
    """A file is no JSON: its kind is all the document can say of it."""
    return bool(media["schema"] == {"type": "string", "format": "binary"})


def _fits(value: Any, schema: dict[str, Any]) -> None:
    jsonschema_rs.Draft202012Validator({**schema, "components": SCHEMA["components"]}).validate(value)


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_body_and_answer_has_an_example_that_fits_its_schema(name: str) -> None:
    operation = OPERATIONS[name]
    bodies = operation.get("requestBody", {}).get("content", {})
    for kind, media in bodies.items():
        if kind == "application/json":
            assert _examples(media), f"{name} shows no body"
            for value in _examples(media):
                _fits(value, media["schema"])
    for status, response in operation["responses"].items():
        for kind, media in response.get("content", {}).items():
            if _is_file(media):
                assert "json" not in kind, name
                continue
            assert _examples(media), f"{name} shows no {status}"
            for value in _examples(media):
                _fits(value, media["schema"])


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_refusal_is_documented_by_its_codes(name: str) -> None:
    for status, response in OPERATIONS[name]["responses"].items():
        if status >= "400":
            media = response["content"]["application/problem+json"]
            _reference, closed = media["schema"]["allOf"]
            codes = closed["properties"]["code"]["enum"]
            assert sorted(each["code"] for each in _examples(media)) == codes, (name, status)
            assert {each["status"] for each in _examples(media)} == {int(status)}


def test_every_call_of_the_contract_is_there() -> None:
    paths = {path.replace("{", "<").replace("}", ">") for path in SCHEMA["paths"]}
    for path in (
        "/api/v1/policies/",
        "/api/v1/policies/<goods_type>/",
        "/api/v1/evidence-standards/",
        "/api/v1/sellers/<code>/",
        "/api/v1/refund-requests/<number>/",
        "/api/v1/refund-requests/<number>/appeal/",
        "/api/v1/refund-requests/<number>/respond-offer/",
        "/api/v1/orders/<no>/refund-eligibility/",
    ):
        assert path in paths
    assert SCHEMA["openapi"].startswith("3.1")


def test_every_post_but_signing_in_is_idempotent() -> None:
    for path, item in SCHEMA["paths"].items():
        headers = {each["name"] for each in item.get("post", {}).get("parameters", [])}
        if "post" in item and path != "/api/v1/auth/login/":
            assert headers & {"Idempotency-Key", "webhook-id"}, path


def test_unknown_names_are_errors_by_the_schema_too() -> None:
    for name, schema in SCHEMA["components"]["schemas"].items():
        if name.endswith("Request"):
            assert schema.get("additionalProperties") is False, name


def test_links_lead_from_answers_that_are_to_calls_that_are() -> None:
    for link in LINKS:
        target = OPERATIONS[link.target]
        assert str(link.status) in OPERATIONS[link.source]["responses"], link
        assert set(link.parameters) <= {each["name"] for each in target.get("parameters", [])}, link
        assert link.body is None or "requestBody" in target, link
