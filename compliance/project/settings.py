"""Django's settings. Everything an operator decides comes from the environment; see docs/operations.md."""

from __future__ import annotations

from typing import Any

import pghistory
from celery.schedules import crontab, schedule
from csp.constants import NONE, SELF

from compliance.project.env import ROOT, read_environment, read_limits, read_single_sign_on

env = read_environment()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# Registry passwords are encrypted with these Fernet keys, first one for writing, all for reading.
CREDENTIAL_KEYS = env.list("PLIMSOLL_CREDENTIAL_KEYS")

LIMITS = read_limits(env)
SCAN_CONNECTIONS = env.int("PLIMSOLL_SCAN_CONNECTIONS", default=8)
SCAN_WORKERS = env.int("PLIMSOLL_SCAN_WORKERS", default=2)
HEAVY_LAYER_BYTES = env.int("PLIMSOLL_HEAVY_LAYER_BYTES", default=256 * 1024 * 1024)
LEASE_SECONDS = env.int("PLIMSOLL_LEASE_SECONDS", default=60)
UNCONFIRMED_DAYS = env.int("PLIMSOLL_UNCONFIRMED_DAYS", default=7)
EVENT_DAYS = env.int("PLIMSOLL_EVENT_DAYS", default=30)
HOOK_BODY_SECONDS = env.float("PLIMSOLL_HOOK_BODY_SECONDS", default=10.0)
# Private and loopback addresses are refused for every registry unless the operator allows it here and an
# administrator ticks it on the registry.
ALLOW_PRIVATE_REGISTRIES = env.bool("PLIMSOLL_ALLOW_PRIVATE_REGISTRIES", default=True)

# Where people find this site, as https://plimsoll.example: messages link there. Without it they name paths alone.
PUBLIC_URL = env.str("PLIMSOLL_URL", default="").rstrip("/")
# smtp+tls://user:password@host:587; without it channels of mail say that there is no server.
MAIL_CONFIGURED = bool(env.str("EMAIL_URL", default=""))
vars().update(env.email_url("EMAIL_URL") if MAIL_CONFIGURED else {})
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("PLIMSOLL_MAIL_FROM", default="plimsoll@localhost")

# The OpenID provider, or None: people log in with passwords of this site alone.
SINGLE_SIGN_ON = read_single_sign_on(env)

# What of the workers' own machine may be scanned or used by whoever edits registries: nothing unless it is named here.
LOCAL_SOURCES = env.list("PLIMSOLL_LOCAL_SOURCES", default=[])
DOCKER_SOURCE = env.bool("PLIMSOLL_DOCKER_SOURCE", default=False)
DOCKER_CONFIG = env.str("PLIMSOLL_DOCKER_CONFIG", default="")
AMBIENT_CLOUD = env.bool("PLIMSOLL_AMBIENT_CLOUD", default=False)

INSTALLED_APPS = [
    "compliance",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_htmx",
    "template_partials",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.usersessions",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "pghistory",
    "pgtrigger",
]

MIDDLEWARE = [
    "compliance.views.hooks.answer_registries",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "compliance.views.bearer.leave_sessions_out",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "compliance.views.session_limits.limit_sessions",
    "compliance.views.factor_gate.DemandFactor",
    "compliance.views.request_facts.record_requests",
]

# The only file anybody uploads is a deployment file: it is held in memory, a larger one is not kept at all.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = LIMITS.deployment_bytes + 2**20
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * FILE_UPLOAD_MAX_MEMORY_SIZE

DEFAULT_EXCEPTION_REPORTER_FILTER = "compliance.project.error_pages.NoValues"
ROOT_URLCONF = "compliance.project.urls"
WSGI_APPLICATION = "compliance.project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "compliance.views.outages.queue_notice",
                "compliance.views.rights.rights",
            ],
        },
    }
]

_database = env.db("DATABASE_URL")
# What a page counts takes milliseconds, so compiling its plan takes longer than running it; no disk of today seeks; and
# whoever opens a cursor reads it to its end.
_OPTIONS = env.str(
    "DATABASE_OPTIONS", default="-c jit=off -c random_page_cost=1.1 -c work_mem=16MB -c cursor_tuple_fraction=1"
)
if _OPTIONS:
    _database["OPTIONS"] = {"options": _OPTIONS, **_database.get("OPTIONS", {})}
DATABASES: dict[str, Any] = {
    "default": {
        **_database,
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "compliance.User"
AUTHENTICATION_BACKENDS = ["compliance.views.factor_gate.Backend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Histories are read through AuditEvent; indexes of their own would only slow bulk writes down.
PGHISTORY_FOREIGN_KEY_FIELD = pghistory.ForeignKey(db_index=False)

# Accounts are made by administrators: there is no page to sign up, and no mail is needed.
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "compliance.views.account_adapter.Adapter"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
# "key" is an account and whether its owner is known at that address; the counters are in the database, see the cache.
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "10/m/ip,50/h/ip,5/5m/key,10/h/key",
    "passkey_asked": "60/m/ip",
    "change_password": "5/m/user,20/h/user",
    "token_failed": "30/m/ip,300/h/ip",
    "reauthenticate": "5/m/user,20/h/user",
    # Each asks the provider, which takes seconds where it does not answer.
    "sign_on": "30/m/ip",
    # The person first: what one of them asks for in vain is not charged to the address, which colleagues share.
    "second_factor": "5/5m/key,10/h/key,10/m/ip,50/h/ip",
}
SOCIALACCOUNT_ADAPTER = "compliance.views.sign_on_adapter.SignOnAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
MFA_ADAPTER = "compliance.views.factor_adapter.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = False
MFA_TOTP_TOLERANCE = 1  # steps of half a minute that a phone may be ahead or behind (RFC 6238, 5.2)
PASSWORD_RESET_TIMEOUT = 3 * 24 * 60 * 60
CACHES = {
    "default": {"BACKEND": "compliance.services.shared_cache.SharedCache"},
    # What never changes once it is worked out: each process may have its own.
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATICFILES_DIRS = [ROOT / "static"]
STATIC_ROOT = env.path("STATIC_ROOT", default=str(ROOT / "staticfiles"))()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Behind TLS set HTTPS=true; a plain-HTTP demo on loopback cannot use secure cookies.
HTTPS = env.bool("HTTPS", default=False)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^hooks(/|$)", r"^healthz$", r"^readyz$"]  # a redirected push is a lost push
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
TRUST_PROXY = env.bool("TRUST_PROXY", default=False)
TRUSTED_PROXIES = env.int("PLIMSOLL_PROXIES", default=1) if TRUST_PROXY else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_IDLE_MINUTES = env.int("PLIMSOLL_IDLE_MINUTES", default=0)
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

REDIS_URL = env.str("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # rows are the work: a lost message is rung again by the tick
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 200
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000  # KiB
CELERY_TASK_SOFT_TIME_LIMIT = 15 * 60
CELERY_TASK_TIME_LIMIT = 16 * 60
CELERY_TASK_ROUTES = {"compliance.wake_heavy_repository_scan": {"queue": "heavy"}}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 20 * 60,
    "socket_keepalive": True,
    "health_check_interval": 15,
    "socket_connect_timeout": 5,
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
_TICK_SECONDS = env.float("PLIMSOLL_TICK_SECONDS", default=10.0)
TICK_LATE_SECONDS = max(120.0, 2 * _TICK_SECONDS)  # workers may be busy for a while
CELERY_BEAT_SCHEDULE = {
    "tick": {
        "task": "compliance.tick",
        "schedule": schedule(_TICK_SECONDS),
        # Longer than hosts' clocks may disagree, or workers would throw every tick away.
        "options": {"expires": 600},
    },
    "audit": {
        "task": "compliance.check_audit",
        "schedule": crontab(hour=3, minute=17),
        "options": {"expires": 3600},
    },
}

LOGGING_CONFIG = None
from compliance.project.logging import configure_logging  # noqa: E402  # needs nothing above but must run last

configure_logging(json_lines=env.bool("LOG_JSON", default=not DEBUG), level=env.str("LOG_LEVEL", default="INFO"))
