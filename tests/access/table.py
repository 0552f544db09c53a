"""Every address of the program, and who is no party to what is behind it. A new address is a new row here.

A row says what kind of door it is. What each outsider meets at a kind of door stands once, in MEETS.
"""

from typing import Any, NamedTuple

from marketplace.identity.roles import Role

OPEN = "open"  # for anybody: shows nothing of anybody
SIGN_IN = "sign-in"
CHANNEL = "channel"  # the channel's own signature stands for rights
LINK = "link"  # a signed link for one viewer
BUYER = "buyer"  # the buyer's own list or setting
OBJECT = "object"  # one of the buyer's objects
SHOP = "shop"  # a shop's signature
PORTAL = "portal"  # the seller's own page
OWN = "own"  # the portal again, but whoever comes in changes something of their own
CASE = "case"  # one of the seller's cases, receivers or deliveries
DESK = "desk"  # any member of staff with a role
MODEL = "model"  # the pages of one kind of row, for the roles of SEES
STAFF_CASE = "staff case"  # one case at the desk, for those who judge
NEXT = "next"  # the next case to decide, for those who judge
FILING = "filing"  # an order at the desk, for those who file for a buyer
FINDING = "finding"  # cases by number, for those who see cases: each theirs
AUDIT = "audit"  # who did what, for those who look after that
CODE = "code"  # a card code for a reason, for those who judge
IDENTITY = "identity"  # an identity document for a reason, for those who verify
KEPT = "kept"  # a page in place of a model's, for those who see cases
LAB = "lab"  # what a back-test found, for those of SEES who read back-tests
FIGURES = "figures"  # over all cases, for those who answer for them
JUDGING = "judging"  # how reviewers decide, for those of SEES_REVIEWERS


class Door(NamedTuple):
    kind: str
    methods: str = "GET"
    body: dict[str, Any] = {}


SAID: dict[str, Any] = {"text": "Hello."}
JUDGED = {"move": "reject", "clause": "B3", "note": "No.", "fault": "buyer", "deviation": "Another case."}
FILE = {"purpose": "arbitration", "language": "en", "form": "pdf"}
API, PAGES = "api/v1/", "portal/"

DOORS: dict[str, Door] = {
    "": Door(OPEN),
    "i18n/setlang/": Door(OPEN, "POST", {"language": "en"}),
    "health/live/": Door(OPEN),
    "health/ready/": Door(OPEN),
    "api/schema/": Door(OPEN),
    "api/docs/": Door(OPEN),
    "channels/<str:channel>/notify/": Door(CHANNEL, "POST"),
    "evidence/<str:token>/": Door(LINK),
    # --- the API ---
    API + "auth/login/": Door(SIGN_IN, "POST", {"email": "a@example.com", "password": "guessed"}),
    API + "policies/": Door(OPEN),
    API + "policies/<name:goods_type>/": Door(OPEN),
    API + "evidence-standards/": Door(OPEN),
    API + "figures/": Door(OPEN),
    API + "sellers/<name:code>/": Door(OPEN),
    API + "service-status/": Door(OPEN),
    API + "orders/": Door(BUYER),
    API + "orders/<name:no>/": Door(OBJECT),
    API + "orders/<name:no>/refund-eligibility/": Door(OBJECT, "GET", {"reason": "other"}),
    API + "orders/<name:no>/one-click-refund/": Door(OBJECT, "POST"),
    API + "orders/<name:no>/units/<name:ref>/reveal/": Door(OBJECT, "POST"),
    API + "refund-requests/": Door(BUYER, "GET POST", {"order": "<no>", "reason": "other"}),
    API + "refund-requests/<name:number>/": Door(OBJECT),
    API + "refund-requests/<name:number>/messages/": Door(OBJECT, "POST", SAID),
    API + "refund-requests/<name:number>/withdraw/": Door(OBJECT, "POST"),
    API + "refund-requests/<name:number>/request-person/": Door(OBJECT, "POST"),
    API + "refund-requests/<name:number>/evidence/": Door(
        OBJECT, "POST", {"kind": "other", "file": "<file>"}
    ),
    API + "refund-requests/<name:number>/resubmit/": Door(OBJECT, "POST"),
    API + "refund-requests/<name:number>/appeal/": Door(
        OBJECT, "POST", {"clauses": ["B6"], "text": "Wrong."}
    ),
    API + "refund-requests/<name:number>/respond-offer/": Door(OBJECT, "POST", {"accept": True}),
    API + "refund-requests/<name:number>/sealed-offer/": Door(OBJECT, "POST", {"amount": "<amount>"}),
    API + "refund-requests/<name:number>/case-file/": Door(OBJECT, "GET", {"format": "pdf"}),
    API + "notifications/": Door(BUYER),
    API + "notifications/read/": Door(BUYER, "POST", {"ids": ["<notice>"]}),
    API + "notifications/preferences/": Door(BUYER),
    API + "ingest/orders/": Door(SHOP, "POST"),
    API + "ingest/orders/<str:external_no>/events/": Door(SHOP, "POST", {"unit": "1", "events": "<events>"}),
    API + "ingest/buyers/<str:external_id>/token/": Door(SHOP, "POST"),
    # --- the seller portal ---
    PAGES + "login/": Door(SIGN_IN, "GET POST", {"username": "nobody", "password": "guessed"}),
    PAGES + "logout/": Door(SIGN_IN, "POST"),
    PAGES: Door(PORTAL),
    PAGES + "cases/<str:number>/": Door(CASE),
    PAGES + "cases/<str:number>/agree/": Door(CASE, "GET POST", {"note": "Yes."}),
    PAGES + "cases/<str:number>/refuse/": Door(CASE, "POST", {"ground": "other", "note": "No."}),
    PAGES + "cases/<str:number>/messages/": Door(CASE, "POST", SAID),
    PAGES + "cases/<str:number>/evidence/": Door(CASE, "GET POST", {"kind": "other", "file": "<file>"}),
    PAGES + "cases/<str:number>/part/": Door(CASE, "GET POST", {"amount": "1.00"}),
    PAGES + "cases/<str:number>/replacement/": Door(CASE, "GET POST", {"codes": "NEW-CODE-0001"}),
    PAGES + "cases/<str:number>/promise/": Door(CASE, "GET POST", {"on": "2026-12-01", "note": "Soon."}),
    PAGES + "cases/<str:number>/sealed/": Door(CASE, "GET POST", {"amount": "1.00"}),
    PAGES + "cases/<str:number>/appeal/": Door(CASE, "POST", {"clauses": "B6", "text": "Wrong."}),
    PAGES + "cases/<str:number>/file/": Door(CASE, "GET POST", FILE),
    PAGES + "orders/": Door(PORTAL, "GET", {"number": "<external>"}),
    PAGES + "orders/<str:no>/refund/": Door(CASE, "GET POST", {"reason": "other", "action": "file"}),
    PAGES + "money/": Door(PORTAL),
    PAGES + "money/withdraw/": Door(PORTAL, "POST", {"amount": "1.00", "currency": "CNY"}),
    PAGES + "money/statement.csv": Door(PORTAL, "GET", {"currency": "CNY"}),
    PAGES + "rules/": Door(PORTAL),
    PAGES + "notices/": Door(PORTAL, "GET POST", {"up_to": "<notice>"}),
    PAGES + "settings/": Door(PORTAL),
    PAGES + "settings/mails/": Door(OWN, "POST", {"group": "progress"}),
    PAGES + "settings/webhooks/": Door(PORTAL, "POST", {"url": "not an address"}),
    PAGES + "settings/webhooks/log/": Door(PORTAL),
    PAGES + "settings/webhooks/log/<int:delivery_id>/": Door(CASE, "POST"),
    PAGES + "settings/webhooks/<int:endpoint_id>/rotate/": Door(CASE, "POST"),
    PAGES + "settings/webhooks/<int:endpoint_id>/switch/": Door(CASE, "POST"),
    PAGES + "<path:rest>": Door(PORTAL),
    # --- the desk ---
    "admin/login/": Door(SIGN_IN, "GET POST", {"username": "nobody", "password": "guessed"}),
    "admin/logout/": Door(SIGN_IN, "POST"),
    "admin/login/code/": Door(SIGN_IN, "GET POST", {"proof": "123456"}),
    "admin/account/": Door(DESK, "GET POST", {"session": "1"}),
    "admin/account/second-factor/": Door(DESK, "GET POST", {"move": "start"}),
    "admin/": Door(DESK),
    "admin/search/": Door(DESK, "GET", {"s": "RF"}),
    "admin/password_change/": Door(DESK),
    "admin/password_change/done/": Door(DESK),
    "admin/autocomplete/": Door(DESK),
    "admin/jsi18n/": Door(DESK),
    "admin/r/<path:content_type_id>/<path:object_id>/": Door(DESK),
    "admin/(?P<url>.*)$": Door(DESK),
    "admin/<app>/": Door(DESK),
    "admin/refunds/refundrequest/case/<str:number>/": Door(STAFF_CASE, "GET POST", JUDGED),
    "admin/refunds/refundrequest/case/<str:number>/evidence/": Door(
        STAFF_CASE, "GET POST", {"kind": "other", "file": "<file>", "side": "buyer"}
    ),
    "admin/refunds/refundrequest/case/<str:number>/file/": Door(STAFF_CASE, "GET POST", FILE),
    "admin/refunds/refundrequest/case/<str:number>/hold/": Door(STAFF_CASE, "POST", {"do": "claim"}),
    "admin/refunds/refundrequest/case/<str:number>/letter/": Door(STAFF_CASE, "POST", JUDGED),
    "admin/refunds/refundrequest/find/": Door(FINDING, "GET", {"q": "RF00000000"}),
    "admin/refunds/refundrequest/claim-next/": Door(NEXT, "POST", {"queue": "unassigned"}),
    "admin/refunds/refundrequest/file/<str:no>/": Door(
        FILING, "GET POST", {"reason": "other", "action": "file", "channel": "phone", "caller_check": "Yes."}
    ),
    "admin/refunds/bulkrun/<int:pk>/results.csv": Door(MODEL),
    "admin/refunds/fileimport/<int:pk>/bad-rows.csv": Door(MODEL),
    "admin/identity/savedview/<int:pk>/open/": Door(DESK),
    "admin/identity/listexport/of/<str:label>/": Door(MODEL, "POST", {"form": "csv"}),
    "admin/refunds/refundrequest/case/<str:number>/code/": Door(
        CODE, "GET POST", {"unit": "1", "reason": "To see."}
    ),
    "admin/refunds/refundrequest/case/<str:number>/evidence/<int:position>/": Door(
        IDENTITY, "GET POST", {"reason": "To see."}
    ),
    "admin/identity/auditentry/": Door(AUDIT),
    "admin/refunds/deadline/": Door(KEPT),
    "admin/refunds/backtestrun/<int:run_id>/progress/": Door(LAB),
    "admin/refunds/backtestrun/<int:run_id>/flips.csv": Door(LAB),
    "admin/refunds/casefigure/": Door(FIGURES),
    "admin/refunds/judgement/": Door(JUDGING),
    "admin/refunds/judgement/<int:user_id>/": Door(JUDGING),
    "admin/ledger/account/trial-balance/": Door(MODEL),
    "admin/ledger/account/<int:pk>/statement/": Door(MODEL),
}
# The pages Django's admin has for each kind of row; the row's own page takes posts where staff act on it.
PAGES_OF_A_MODEL = ("", "add/", "<id>/history/", "<id>/delete/", "<id>/change/", "<id>/")

_MONEY = {Role.REVIEWER, Role.SUPERVISOR, Role.FINANCE, Role.RISK, Role.AUDITOR}
_CASES = _MONEY | {Role.SUPPORT}
_NOTICES = {Role.SUPPORT, Role.SUPERVISOR, Role.AUDITOR}
_FUNDS = {Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR}
# Who may see the rows of a kind; nobody else learns even whether there are any.
SEES: dict[str, set[Role]] = {
    "identity/listexport": {Role.SUPERVISOR, Role.FINANCE, Role.AUDITOR},
    "identity/savedview": set(Role),  # of whom each sees their own, and those shared with their role
    "identity/user": {Role.SUPERVISOR, Role.AUDITOR},
    "identity/buyer": _CASES,
    "ledger/account": _MONEY,
    "ledger/transaction": _MONEY,
    "notices/notice": _NOTICES | {Role.ARBITER},  # theirs alone
    "notices/delivery": _NOTICES,
    "notices/endpoint": _NOTICES,
    "orders/shop": {Role.AUDITOR},
    "orders/order": _CASES,
    "payments/break": _FUNDS,
    "payments/capture": _MONEY,
    "payments/notification": _FUNDS,
    "payments/payout": _MONEY,
    "payments/reconciliation": _FUNDS,
    "payments/settlement": _FUNDS,
    "payments/transfer": _MONEY,
    "payments/withdrawal": _FUNDS,
    "refunds/appeal": {Role.SUPERVISOR, Role.AUDITOR},
    "refunds/bulkrun": {Role.REVIEWER, Role.SUPERVISOR, Role.AUDITOR},
    "refunds/backtestrun": {Role.SUPERVISOR, Role.POLICY_EDITOR, Role.AUDITOR},
    "refunds/calendarday": set(Role),
    "refunds/knownanswer": {Role.SUPERVISOR, Role.AUDITOR},
    "refunds/fileimport": {Role.SUPERVISOR},
    "refunds/outage": set(Role),
    "refunds/peak": set(Role),
    "refunds/policydraft": {Role.SUPPORT, Role.REVIEWER, Role.SUPERVISOR, Role.POLICY_EDITOR, Role.AUDITOR},
    "refunds/policyversion": {Role.SUPPORT, Role.REVIEWER, Role.SUPERVISOR, Role.POLICY_EDITOR, Role.AUDITOR},
    "refunds/refundrequest": _CASES | {Role.ARBITER},  # of whom each sees their own: SEATED
    "risk/dispute": {Role.SUPERVISOR, Role.FINANCE, Role.RISK, Role.AUDITOR},
    "risk/signal": {Role.SUPERVISOR, Role.RISK, Role.AUDITOR},
    "sellers/seller": _CASES,
}
# Who moves a case at the desk; the others who see it look on. An arbiter is a judge where seated and a stranger to
# every other case: its pages lead to their own list, as those of a case that never was.
JUDGES = {Role.REVIEWER, Role.SUPERVISOR}
READS_FIGURES = {Role.SUPERVISOR, Role.FINANCE, Role.POLICY_EDITOR, Role.AUDITOR}
SEES_REVIEWERS = {Role.REVIEWER, Role.SUPERVISOR, Role.AUDITOR}  # a reviewer's are their own alone
FILES = {Role.SUPPORT, Role.REVIEWER, Role.SUPERVISOR}  # for a buyer who phones or writes
AUDITS = {Role.SUPERVISOR, Role.RISK, Role.AUDITOR}
VERIFIES = {Role.SUPERVISOR, Role.RISK}
STRANGER, SEATED = {302}, {200}
