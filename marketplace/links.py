"""Which answer of the API leads to which call: the links of its document, and the paths its fuzzer walks."""

from typing import Any, NamedTuple


class Link(NamedTuple):
    """From an answer of one operation to a call of another; expressions as OpenAPI has them."""

    source: str
    status: int
    target: str
    parameters: dict[str, str]
    body: dict[str, str] | None = None


_ORDER = {"no": "$response.body#/no"}
_LISTED_ORDER = {"no": "$response.body#/results/0/no"}
_ORDERED = {"no": "$response.body#/order"}
_CASE = {"number": "$response.body#/number"}
_LISTED_CASE = {"number": "$response.body#/results/0/number"}
_OF_NUMBER = (
    "read_refund_request",
    "write_message",
    "give_evidence",
    "withdraw_refund_request",
    "resubmit_refund_request",
    "request_person",
)

LINKS = (
    Link("ingest_order", 201, "ingest_events", {"external_no": "$response.body#/external_no"}, {"unit": "1"}),
    Link("ingest_order", 201, "ingest_buyer_token", {"external_id": "$response.body#/buyer"}),
    Link("ingest_order", 201, "read_seller", {"code": "$response.body#/seller"}),
    Link("ingest_order", 201, "read_order", _ORDER),
    Link("ingest_order", 201, "file_refund_request", {}, {"order": "$response.body#/no"}),
    Link("list_policies", 200, "read_policy", {"goods_type": "$response.body#/results/0/goods_type"}),
    Link("list_orders", 200, "read_order", _LISTED_ORDER),
    Link("list_orders", 200, "preview_refund", _LISTED_ORDER),
    Link("read_order", 200, "preview_refund", _ORDER),
    Link("read_order", 200, "one_click_refund", _ORDER),
    Link("read_order", 200, "reveal_code", {**_ORDER, "ref": "$response.body#/units/0/ref"}),
    Link("read_order", 200, "file_refund_request", {}, {"order": "$response.body#/no"}),
    Link("read_order", 200, "list_refund_requests", {"order": "$response.body#/no"}),
    Link("reveal_code", 200, "preview_refund", _ORDERED),
    *(Link("list_refund_requests", 200, target, _LISTED_CASE) for target in _OF_NUMBER),
    *(Link("file_refund_request", 201, target, _CASE) for target in _OF_NUMBER),
    *(Link("one_click_refund", 201, target, _CASE) for target in _OF_NUMBER),
    *(Link("read_refund_request", 200, target, _CASE) for target in _OF_NUMBER),
    *(Link("give_evidence", 201, target, _CASE) for target in _OF_NUMBER),
    Link("withdraw_refund_request", 200, "file_refund_request", {}, {"order": "$response.body#/order"}),
    Link("withdraw_refund_request", 200, "read_refund_request", _CASE),
    Link("resubmit_refund_request", 200, "read_refund_request", _CASE),
    Link("request_person", 200, "write_message", _CASE),
    Link("list_notifications", 200, "read_notifications", {}, {"up_to": "$response.body#/results/0/id"}),
    Link("list_notifications", 200, "read_refund_request", {"number": "$response.body#/results/0/request"}),
)


def add_links(result: dict[str, Any], **_more: Any) -> dict[str, Any]:
    """drf-spectacular's hook: put them into the document."""
    operations = {
        operation["operationId"]: operation
        for path in result["paths"].values()
        for operation in path.values()
        if "operationId" in operation
    }
    for link in LINKS:
        if link.source in operations and link.target in operations:
            links = operations[link.source]["responses"][str(link.status)].setdefault("links", {})
            links[link.target] = {"operationId": link.target} | _what(link)
    return result


def _what(link: Link) -> dict[str, Any]:
    parts = {"parameters": link.parameters, "requestBody": link.body}
    return {name: part for name, part in parts.items() if part}
