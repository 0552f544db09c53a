"""Examples for the API document."""

from drf_spectacular.utils import OpenApiExample

FILING = [
    OpenApiExample(
        "Not delivered",
        {
            "order": "OD261120K7M2Q9XA",
            "reason": "not_delivered",
            "description": "充值一小时未到账",
            "remedy": "refund",
        },
        request_only=True,
    ),
    OpenApiExample(
        "One unit of several, filed when allowed",
        {
            "order": "OD261120K7M2Q9XA",
            "reason": "not_delivered",
            "units": ["2"],
            "amount": {"amount": 4900, "currency": "CNY"},
            "file_when_allowed": True,
        },
        request_only=True,
    ),
]
MESSAGE = [OpenApiExample("Answer", {"text": "The code shows “already used”."}, request_only=True)]
RESPOND = [OpenApiExample("Accept", {"accept": True}, request_only=True)]
SEALED = [
    OpenApiExample("At least 30.00", {"amount": {"amount": 3000, "currency": "CNY"}}, request_only=True)
]
