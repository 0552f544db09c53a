"""All settings, by section. Every value a deployment may change comes from the environment.

With no DATABASE_URL the program runs embedded: its own PostgreSQL, file-system broker and generated keys
under DATA_DIR. docs/operating.md lists the variables; checks.py refuses unsafe production settings.
"""

import os
from pathlib import Path

import dj_database_url
from django.utils.translation import gettext_lazy as _

from marketplace import logs
from marketplace.kernel import embedded, keys
from marketplace.schedule import SCHEDULE
from marketplace.unfold import UNFOLD as UNFOLD

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def env_list(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in env(name, default).split(",") if item.strip()]


# --- Where things are kept -------------------------------------------------------------------------------
DATA_DIR = Path(env("DATA_DIR", str(BASE_DIR / "var"))).resolve()
EMBEDDED = env("EMBEDDED", "0" if env("DATABASE_URL") else "1") == "1"
DATABASE_URL = env("DATABASE_URL") or embedded.start(DATA_DIR)

# --- Keys ------------------------------------------------------------------------------------------------
# Embedded: made once (DATA_DIR/keys.json). Production: given, or the checks refuse to start.
_keys = keys.load_or_create(DATA_DIR / "keys.json") if EMBEDDED else {}
SECRET_KEY = env("SECRET_KEY") or _keys.get("secret_key", "")
SECRET_KEY_FALLBACKS = env_list("SECRET_KEY_FALLBACKS")
# "id:base64 of 32 bytes", the first encrypts, all decrypt.
FIELD_KEYS = env_list("FIELD_KEYS") or _keys.get("field_keys", [])
FINGERPRINT_KEY = env("FINGERPRINT_KEY") or _keys.get("fingerprint_key", "")

LOG_LEVEL = env("LOG_LEVEL", "WARNING")

# --- Django ----------------------------------------------------------------------------------------------
DEBUG = False
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "*" if EMBEDDED else "")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "identity.User"
APPEND_SLASH = False
CSRF_FAILURE_VIEW = "marketplace.kernel.problems.csrf_failure"

INSTALLED_APPS = [
    "axes",  # before the admin, which loads identity/hooks.py: that is told of a failed sign-in after axes
    "unfold.apps.BasicAppConfig",
    "marketplace.identity.desk.apps.DeskConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_structlog",
    "pgtrigger",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "marketplace.kernel",
    "marketplace.identity",
    "sellers",
    "marketplace.ledger",
    "marketplace.orders",
    "marketplace.payments",
    "marketplace.intake",
    "marketplace.risk",
    "marketplace.notices",
    "refunds",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "marketplace.identity.desk.gate.DeskGate",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "marketplace.desk_csp.DeskPolicy",
    "marketplace.desk_plans.DeskPlans",
    # Binding a context to each request costs a seventh of a filing: only where requests are logged.
    *(["django_structlog.middlewares.RequestMiddleware"] if LOG_LEVEL in ("INFO", "DEBUG") else []),
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Database --------------------------------------------------------------------------------------------
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=None)}
DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
# jit compiles plans that run for milliseconds; statements here are short, and who waits for a lock for long is
# told so (a second call with the same Idempotency-Key hears 409 idempotency_in_progress).
DATABASES["default"]["OPTIONS"] = {
    "options": "-c jit=off -c lock_timeout=10s",
    "application_name": f"recourse-{os.getpid()}",
    # Statements are prepared after a few uses: planning them anew was half of the server's work. A pooler in
    # transaction mode must know prepared statements (pgbouncer >= 1.21), or PREPARE_STATEMENTS=0.
    **(
        {"server_side_binding": True, "prepare_threshold": 5} if env("PREPARE_STATEMENTS", "1") == "1" else {}
    ),
}
DATABASES["default"]["ATOMIC_REQUESTS"] = False

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": env("CACHE_URL")}
    if env("CACHE_URL")
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- People ----------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "marketplace.identity.backends.RoleBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "portal:login"
BUYER_TOKEN_HOURS = int(env("BUYER_TOKEN_HOURS", "12"))
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # identity's audit log keeps who signed in
AXES_ENABLE_ADMIN = False
AXES_CLIENT_IP_CALLABLE = "marketplace.kernel.http.client_address"
# A second factor of staff: "required", or "offered" to who wants one. Staff without one reach only the page to set it up.
STAFF_MFA = env("STAFF_MFA", "offered" if EMBEDDED else "required")
STAFF_IDLE_MINUTES = int(env("STAFF_IDLE_MINUTES", "60"))
STAFF_SESSION_HOURS = int(env("STAFF_SESSION_HOURS", "12"))  # a working day
# Proxies whose X-Forwarded-For is believed; none means the peer's own address counts.
TRUSTED_PROXIES = env_list("TRUSTED_PROXIES")

# --- Languages and time ----------------------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "Asia/Shanghai"

# --- Static files ----------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = EMBEDDED  # no collectstatic step on a laptop

# --- API -------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["marketplace.identity.tokens.BuyerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["marketplace.kernel.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "marketplace.kernel.pagination.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["marketplace.kernel.filters.StrictFilters"],
    "DEFAULT_SCHEMA_CLASS": "marketplace.kernel.schema.ApiSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "marketplace.kernel.throttling.PerUser",
        "marketplace.kernel.throttling.PerAddress",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "user": env("THROTTLE_USER", "1200/min"),
        "address": env("THROTTLE_ADDRESS", "6000/min"),
        "login": env("THROTTLE_LOGIN", "20/min"),
        "case_file": env("THROTTLE_CASE_FILE", "10/min"),
        "upload": env("THROTTLE_UPLOAD", "30/min"),
        "shop": env("THROTTLE_SHOP", "12000/min"),
    },
    "EXCEPTION_HANDLER": "marketplace.kernel.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS is 405, like any method that is not documented
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Recourse",
    "DESCRIPTION": "Refunds and disputes for marketplaces of virtual goods.",
    "VERSION": "1.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "marketplace.links.add_links"],
    "ENUM_NAME_OVERRIDES": {
        "RequestState": "refunds.machine.State",
        "ClockKind": "refunds.machine.Clock",
        "EvidenceKind": "refunds.models.evidence.KIND_CHOICES",
        "GoodsType": "marketplace.orders.goods.GoodsType",
        "FilingChannel": "refunds.filing_channels.FilingChannel",
        "Channel": "marketplace.payments.channels.Channel",
        "TransferState": "marketplace.payments.models.TransferState",
        "JudgedOutcome": "refunds.faults.Outcome",
        "PolicyOutcome": ["approve", "reject", "ask_seller", "review", "wait"],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- The desk --------------------------------------------------------------------------------------------
# A case goes back to its queue after so long without activity of who has it in hand.
CLAIM_IDLE_MINUTES = int(env("CLAIM_IDLE_MINUTES", "20"))
# Of the cases reviewers claim, so many are closed ones whose right answer is known (K4). 0: none.
TRIAL_SHARE_PERCENT = float(env("TRIAL_SHARE_PERCENT", "2"))

# --- Evidence --------------------------------------------------------------------------------------------
EVIDENCE_MAX_BYTES = int(env("EVIDENCE_MAX_BYTES", str(10 * 1024 * 1024)))  # of an image or a PDF
EVIDENCE_MAX_VIDEO_BYTES = int(env("EVIDENCE_MAX_VIDEO_BYTES", str(50 * 1024 * 1024)))
EVIDENCE_MAX_PIXELS = int(env("EVIDENCE_MAX_PIXELS", "50000000"))
EVIDENCE_MAX_PAGES = int(env("EVIDENCE_MAX_PAGES", "50"))
EVIDENCE_MAX_FILES = int(env("EVIDENCE_MAX_FILES", "20"))  # of each side in one case; 100 at most
UPLOAD_MAX_BYTES = max(EVIDENCE_MAX_BYTES, EVIDENCE_MAX_VIDEO_BYTES)
FILE_UPLOAD_HANDLERS = [
    "marketplace.kernel.uploads.BoundedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
# Of all files of one case that an archive takes; above it the PDF lists them, and they are opened one by one.
CASE_FILE_MAX_BYTES = int(env("CASE_FILE_MAX_BYTES", str(300 * 1024 * 1024)))
CASE_FILES_AN_HOUR = int(env("CASE_FILES_AN_HOUR", "20"))  # of one case, for each of its readers
# Fen above which the police and a court usually take a matter up (D6); below, the file carries a warning.
CASE_FILE_POLICE_ABOVE = int(env("CASE_FILE_POLICE_ABOVE", "200000"))
CASE_FILE_COURT_ABOVE = int(env("CASE_FILE_COURT_ABOVE", "500000"))
# A draft of the rules under which more of the decided cases would have ended otherwise needs a supervisor's reason.
POLICY_DRIFT_PERCENT = float(env("POLICY_DRIFT_PERCENT", "5"))
# tcp://host:3310 or unix:///path. Set: what the scanner does not call clean is refused. Empty: nothing is scanned.
CLAMD_URL = env("CLAMD_URL")
CLAMD_TIMEOUT_SECONDS = float(env("CLAMD_TIMEOUT_SECONDS", "30"))
# Files lie under DATA_DIR/evidence, or in a bucket where one is named.
_evidence_bucket = {
    "bucket_name": env("EVIDENCE_S3_BUCKET"),
    "endpoint_url": env("EVIDENCE_S3_ENDPOINT") or None,
    "region_name": env("EVIDENCE_S3_REGION") or None,
    "access_key": env("EVIDENCE_S3_ACCESS_KEY") or None,  # else where boto3 looks for them
    "secret_key": env("EVIDENCE_S3_SECRET_KEY") or None,
    "default_acl": None,
    "file_overwrite": False,
}
_evidence_folder = {
    "location": DATA_DIR / "evidence",
    "file_permissions_mode": 0o600,
    "directory_permissions_mode": 0o700,
}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "evidence": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": _evidence_bucket}
    if env("EVIDENCE_S3_BUCKET")
    else {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": _evidence_folder},
}

# --- Jobs ------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = env("BROKER_URL", "filesystem://")
CELERY_TASK_DEFAULT_QUEUE = env("QUEUE", "recourse")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
if CELERY_BROKER_URL == "filesystem://":
    _queue = DATA_DIR / "queue"
    for _part in ("messages", "control"):
        (_queue / _part).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue / "messages"),
        "data_folder_out": str(_queue / "messages"),
        "control_folder": str(_queue / "control"),
        "polling_interval": 0.1,
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = SCHEDULE
CELERY_BEAT_SCHEDULER = "marketplace.celery:OutboxScheduler"

# --- Payment channels ------------------------------------------------------------------------------------
# A channel is spoken to where its keys are set (docs/channels.md); a test system is reached by its URL.
CHANNEL_TIMEOUT_SECONDS = float(env("CHANNEL_TIMEOUT_SECONDS", "10"))
ALIPAY = {
    "url": env("ALIPAY_URL", "https://openapi.alipay.com/gateway.do"),
    "app_id": env("ALIPAY_APP_ID"),
    "seller_id": env("ALIPAY_SELLER_ID"),
    "private_key": env("ALIPAY_PRIVATE_KEY"),  # ours, PEM
    "public_key": env("ALIPAY_PUBLIC_KEY"),  # Alipay's, PEM
}
WECHAT_PAY = {
    "url": env("WECHAT_PAY_URL", "https://api.mch.weixin.qq.com"),
    "mchid": env("WECHAT_PAY_MCHID"),
    "appid": env("WECHAT_PAY_APPID"),
    "serial": env("WECHAT_PAY_SERIAL"),  # of our certificate
    "private_key": env("WECHAT_PAY_PRIVATE_KEY"),  # ours, PEM
    "apiv3_key": env("WECHAT_PAY_APIV3_KEY"),
    "public_key": env("WECHAT_PAY_PUBLIC_KEY"),  # WeChat Pay's, PEM
    "public_key_id": env("WECHAT_PAY_PUBLIC_KEY_ID"),
}
STRIPE = {
    "url": env("STRIPE_URL", "https://api.stripe.com"),
    "api_key": env("STRIPE_API_KEY"),
    "webhook_secret": env("STRIPE_WEBHOOK_SECRET"),
}
# The recharge partner that says whether a unit was credited (refunds/providers/http.py); none without its keys.
PROVIDER = {
    "name": env("PROVIDER_NAME"),  # as cases show it; the host where it is empty
    "url": env("PROVIDER_URL"),
    "key_id": env("PROVIDER_KEY_ID"),
    "secret": env("PROVIDER_SECRET"),
    "timeout": float(env("PROVIDER_TIMEOUT_SECONDS", "10")),
}
# Channels the sandbox answers for. Embedded: all that have no keys. Production must name each one itself.
_with_keys = {"alipay": ALIPAY["app_id"], "wechat_pay": WECHAT_PAY["mchid"], "stripe": STRIPE["api_key"]}
_without_keys = ["sandbox", "card", "bank_transfer", *(name for name, key in _with_keys.items() if not key)]
SANDBOX_ANSWERS_FOR = env_list("SANDBOX_ANSWERS_FOR", ",".join(_without_keys) if EMBEDDED else "")
ALLOW_SANDBOX = env("ALLOW_SANDBOX") == "1"  # where not embedded, SANDBOX_ANSWERS_FOR needs this beside it
SANDBOX_DELAY_SECONDS = float(env("SANDBOX_DELAY_SECONDS", "0.05"))

# --- Notices ---------------------------------------------------------------------------------------------
# Without EMAIL_HOST no mail is sent, and without SMS_PROVIDER no SMS; notices on the site and webhooks need neither.
EMAIL_HOST = env("EMAIL_HOST")
EMAIL_PORT = int(env("EMAIL_PORT", "587"))
EMAIL_HOST_USER = env("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env("EMAIL_USE_TLS", "1" if EMAIL_PORT == 587 else "0") == "1"
EMAIL_USE_SSL = env("EMAIL_USE_SSL", "1" if EMAIL_PORT == 465 else "0") == "1"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("EMAIL_FROM", "Recourse <recourse@localhost>")
EMAIL_DOMAIN = DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip("> ")
SITE_URL = env("SITE_URL").rstrip("/")  # for the links in mails, e.g. https://refunds.example.com
SMS_PROVIDER = env("SMS_PROVIDER")  # aliyun, or console to see them in the log
SMS_TIMEOUT_SECONDS = 10.0
ALIYUN_SMS = {
    "url": env("ALIYUN_SMS_URL", "https://dysmsapi.aliyuncs.com"),
    "access_key_id": env("ALIYUN_SMS_ACCESS_KEY_ID"),
    "access_key_secret": env("ALIYUN_SMS_ACCESS_KEY_SECRET"),
    "sign_name": env("ALIYUN_SMS_SIGN_NAME"),
}
# topic=template code, comma-separated; the one value a template gets is ${number}, the refund number.
ALIYUN_SMS_TEMPLATES = dict(item.split("=", 1) for item in env_list("ALIYUN_SMS_TEMPLATES") if "=" in item)
WEBHOOK_TIMEOUT_SECONDS = 15.0
WEBHOOK_PORTS = env_list("WEBHOOK_PORTS")  # none: any
# Private receivers and plain http: for trying out.
WEBHOOK_ALLOW_PRIVATE = env("WEBHOOK_ALLOW_PRIVATE") == "1"

# --- Safety ----------------------------------------------------------------------------------------------
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not EMBEDDED
SESSION_COOKIE_AGE = 12 * 3600
if not EMBEDDED:
    SECURE_SSL_REDIRECT = env("SECURE_SSL_REDIRECT", "1") == "1"
    SECURE_HSTS_SECONDS = int(env("SECURE_HSTS_SECONDS", "31536000"))
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "style-src": ["'self'"],
        "script-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'self'"],
    }
}
SILENCED_SYSTEM_CHECKS = ["axes.W006"]

# --- Logs ------------------------------------------------------------------------------------------------
LOGGING = logs.logging(LOG_LEVEL)
logs.configure_events(is_laptop=EMBEDDED)
