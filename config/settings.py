"""Every setting, read from the environment (names and meanings: .env.example)."""

from pathlib import Path

import django_stubs_ext
import environ
from csp.constants import NONE, SELF

from config.logs import logging_config

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")


def pauses(name: str, default: str) -> list[float]:
    """Return seconds, which stand in the environment with commas between them."""
    return [float(pause) for pause in env.str(name, default=default).split(",")]


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
ALLOWED_HOSTS = [host.strip() for host in env.list("ALLOWED_HOSTS", default=[])]
CSRF_TRUSTED_ORIGINS = [item.strip() for item in env.list("CSRF_TRUSTED_ORIGINS", default=[])]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "template_partials",
    "instances",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "instances.middleware.request_context",
    # Before the files of static/, which are opened by themselves, too.
    "instances.middleware.isolation_headers",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "instances.middleware.privacy_headers",
    "instances.middleware.restore_fence",
    "instances.views.admin_door.admin_door",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

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
                "instances.views.attention.waiting",
            ],
        },
    },
]

DATABASES = {"default": env.db_url("DATABASE_URL")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Without IMMEDIATE and WAL, concurrent writers meet "database is locked".
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # In memory: a write must not fail because the disk of temporary files is full.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;",
    }
else:
    DATABASES["default"].setdefault("OPTIONS", {})["options"] = (
        "-c statement_timeout=15000 -c lock_timeout=5000"
        " -c idle_in_transaction_session_timeout=30000"
        # Pages are short walks along indexes: of disks that seek quickly, and nothing to compile.
        " -c random_page_cost=1.1 -c jit=off"
    )
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 15},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "instances:sign_in"
LOGIN_REDIRECT_URL = "instances:start"
LOGOUT_REDIRECT_URL = "instances:sign_in"

LANGUAGE_CODE = "en-us"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    }
}

# The database knows only a hash of what the browser holds.
SESSION_ENGINE = "instances.sessions"
SESSION_COOKIE_AGE = env.int("ELEMENTDESK_SESSION_SECONDS", default=43200)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# An error page or mail shows neither what was posted nor any local variable.
DEFAULT_EXCEPTION_REPORTER_FILTER = "instances.reporting.NothingPrivateFilter"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "object-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
if not DEBUG:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    # A program that calls the API over plain http is refused, not led on: its key was read.
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^api/"]
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    if BEHIND_PROXY:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING_CONFIG = None
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
logging_config(level=LOG_LEVEL, is_readable=DEBUG)

# How people show who they are (docs/operations/sign-in.md); periods in seconds.
SIGN_IN = {
    # For the sign-in page alone, so that it cannot begin with __Host-, which wants every path.
    "DEVICE_COOKIE": "device" if DEBUG else "__Secure-device",
    "CHECK_SECONDS": env.float("ELEMENTDESK_CHECK_SECONDS", default=300.0),
    "MFA_REQUIRED": env.bool("ELEMENTDESK_MFA_REQUIRED", default=True),
    "IDLE_SECONDS": env.float("ELEMENTDESK_IDLE_SECONDS", default=1800.0),
}

# Single sign-on by OpenID Connect (docs/operations/sign-in.md); without an issuer there is none.
OIDC = {
    "ISSUER": env.str("ELEMENTDESK_OIDC_ISSUER", default=""),
    "CLIENT_ID": env.str("ELEMENTDESK_OIDC_CLIENT_ID", default=""),
    "CLIENT_SECRET": env.str("ELEMENTDESK_OIDC_CLIENT_SECRET", default=""),
    "NAME": env.str("ELEMENTDESK_OIDC_NAME", default="") or "single sign-on",
    "HOSTS": env.str("ELEMENTDESK_OIDC_HOSTS", default=""),
    "DOMAINS": env.str("ELEMENTDESK_OIDC_DOMAINS", default=""),
    "ADMIT": env.str("ELEMENTDESK_OIDC_ADMIT", default=""),
    "MAKES_PEOPLE": env.bool("ELEMENTDESK_OIDC_MAKES_PEOPLE", default=False),
}

# The queue; how it is used: config/celery.py.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="")

# Sealed values: exactly one of the two holds the key ring (docs/decisions/0003).
VAULT = {
    "KEYRING": env.str("ELEMENTDESK_KEYRING", default=""),
    "KEYRING_FILE": env.str("ELEMENTDESK_KEYRING_FILE", default=""),
}

# A copy of the database's mark, which tells a restored backup (docs/decisions/0006).
FENCE_FILE = env.str("ELEMENTDESK_FENCE_FILE", default="var/fence")

# A file outside of the database that takes the head of the audit chain daily (docs/decisions/0016).
AUDIT = {"HEADS_FILE": env.str("ELEMENTDESK_AUDIT_HEADS_FILE", default="")}

# Requests of one key in a minute, and how many of a process's threads may wait for operations.
API = {
    "PER_MINUTE": env.int("ELEMENTDESK_API_PER_MINUTE", default=600),
    "WAITING": env.int("ELEMENTDESK_API_WAITING", default=4),
}

# Which hosts may be called besides the platform's public ones, and with which authorities.
EGRESS = {
    "API_HOSTS": env.str("ELEMENTDESK_API_HOSTS", default=""),
    "CA_BUNDLE": env.str("ELEMENTDESK_CA_BUNDLE", default=""),
}

# Periods in seconds; what they mean: docs/decisions/0002.
ENGINE = {
    "CALLS_IN_FLIGHT": env.int("ELEMENTDESK_CALLS_IN_FLIGHT", default=32),
    "PROCESSES": env.int("ELEMENTDESK_WORKER_PROCESSES", default=2),
    "CALLS_PER_ORGANIZATION": env.int("ELEMENTDESK_CALLS_PER_ORGANIZATION", default=8),
    "CALL_SECONDS": env.float("ELEMENTDESK_CALL_SECONDS", default=90.0),
    "LEASE_SECONDS": env.float("ELEMENTDESK_LEASE_SECONDS", default=180.0),
    "SETTLE_SECONDS": env.float("ELEMENTDESK_SETTLE_SECONDS", default=900.0),
    "SWEEP_SECONDS": env.float("ELEMENTDESK_SWEEP_SECONDS", default=5.0),
    "LOOK_PAUSES": pauses("ELEMENTDESK_LOOK_PAUSES", "5,25,90,180,300,310"),
    "CATALOG_EVERY": env.float("ELEMENTDESK_CATALOG_EVERY", default=86400.0),
    "AUDIT_EVERY": env.float("ELEMENTDESK_AUDIT_EVERY", default=86400.0),
    "AUDIT_PAUSES": pauses("ELEMENTDESK_AUDIT_PAUSES", "3600,21600,86400,604800"),
    "BREAKER_FAILURES": env.int("ELEMENTDESK_BREAKER_FAILURES", default=5),
    "BREAKER_WINDOW_SECONDS": env.float("ELEMENTDESK_BREAKER_WINDOW_SECONDS", default=60.0),
    "BREAKER_SECONDS": env.float("ELEMENTDESK_BREAKER_SECONDS", default=30.0),
    "BREAKER_MOST_SECONDS": env.float("ELEMENTDESK_BREAKER_MOST_SECONDS", default=900.0),
    "RAMP_SECONDS": env.float("ELEMENTDESK_RAMP_SECONDS", default=60.0),
    "CREDENTIAL_DAYS": env.int("ELEMENTDESK_CREDENTIAL_DAYS", default=7),
    "DELETION_DAYS": env.float("ELEMENTDESK_DELETION_DAYS", default=7.0),
    "ROTATION_DAYS": env.float("ELEMENTDESK_ROTATION_DAYS", default=7.0),
    "QUIET_HOURS": env.float("ELEMENTDESK_ROTATION_QUIET_HOURS", default=24.0),
}

# Where people reach this server, such as https://desk.example.com, and how long somebody may take to
# consent at a provider and come back (docs/decisions/0014).
OAUTH = {
    "ADDRESS": env.str("ELEMENTDESK_ADDRESS", default=""),
    "CONSENT_SECONDS": env.float("ELEMENTDESK_CONSENT_SECONDS", default=1800.0),
}

# How instances are watched (docs/decisions/0011); seconds, and days for which rows are kept.
HEALTH = {
    "EVERY": env.float("ELEMENTDESK_HEALTH_EVERY", default=86400.0),
    "CONFIRM_SECONDS": env.float("ELEMENTDESK_HEALTH_CONFIRM_SECONDS", default=60.0),
    "CHECK_DAYS": env.int("ELEMENTDESK_HEALTH_CHECK_DAYS", default=30),
    "DAYS": env.int("ELEMENTDESK_HEALTH_DAYS", default=400),
    "VERIFY_EVERY": env.float("ELEMENTDESK_VERIFY_EVERY", default=21600.0),
    "LOG_EVERY": env.float("ELEMENTDESK_LOG_EVERY", default=3600.0),
    "LOG_DAYS": env.int("ELEMENTDESK_LOG_DAYS", default=400),
    "LOG_CALLS": env.int("ELEMENTDESK_LOG_CALLS", default=1000),
}

# Mail: none is sent without a server's address, as in smtp+tls://user:password@mail.example.com:587.
# Not kept as a setting of that name: it holds a password that nothing would hide.
mail_server = env.str("EMAIL_URL", default="")
vars().update(env.email_url_config(mail_server or "dummymail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="elementdesk@localhost")

# How people are told of what happened (docs/notifications.md); pauses in seconds before each further try.
TELLING = {
    "SENDS_MAIL": bool(mail_server),
    "DIGEST_HOUR": env.int("ELEMENTDESK_DIGEST_HOUR", default=6),
    "PAUSES": pauses("ELEMENTDESK_TELLING_PAUSES", "10,60,300,1800,7200,21600,43200,86400,86400"),
    "DAYS": env.int("ELEMENTDESK_NOTIFICATION_DAYS", default=90),
    "WEBHOOK_HOSTS": env.str("ELEMENTDESK_WEBHOOK_HOSTS", default="*"),
    "WEBHOOK_SECONDS": 10.0,
}
