"""Configuration entries that several elements share."""

from sandbox.catalog import Setting

YES_NO = (("true", "Yes"), ("false", "No"))
AUTHENTICATION_CHOICE = Setting(
    "authentication.type",
    "Authentication Type",
    "COMBO",
    required=True,
    default="basic",
    options=(("basic", "Basic"), ("custom", "Custom")),
    chooses_group=True,
)
EVENTS = (
    Setting(
        "event.notification.enabled",
        "Enable Events",
        "BOOLEAN",
        default="false",
        shown=True,
        options=YES_NO,
    ),
    Setting("event.vendor.type", "Event Type", default="webhooks", hidden=True, shown=True),
    Setting("event.notification.callback.url", "Callback URL", "TEXTFIELD_1000", shown=True),
    Setting("event.notification.signature.key", "Signature Key", "PASSWORD"),
    Setting("event.notification.subscription.id", "Subscription", hidden=True, shown=True),
    Setting("event.notification.instance.finder", "Finder", default="", hidden=True, shown=True),
)
OAUTH = (
    Setting("oauth.api.key", "API Key", required=True),
    Setting("oauth.api.secret", "API Secret", "PASSWORD", required=True),
    Setting("oauth.callback.url", "OAuth Callback URL", "TEXTFIELD_1000", required=True),
)
NULLS = Setting(
    "filter.response.nulls", "Filter null values from the response", "BOOLEAN", default="true"
)


def fixed(key: str, default: str | None) -> Setting:
    return Setting(key, key, default=default, hidden=True, shown=True)
