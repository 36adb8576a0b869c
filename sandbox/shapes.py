"""Invented elements for the shapes that the known ones lack; a form must cope with each of them."""

from sandbox.catalog import Element, Setting
from sandbox.settings import EVENTS, OAUTH, YES_NO, fixed

# Two ways in, and only one of them leads over a consent page.
TWO_WAYS = Element(
    9002,
    "mailings",
    "Mailings",
    "marketing",
    "oauth2",
    resources=("contacts", "campaigns"),
    config_description="Choose <em>OAuth</em>, or paste a private key.",
    settings=(
        Setting(
            "authentication.type",
            "Authentication Type",
            "COMBO",
            required=True,
            default="oauth2",
            options=(("oauth2", "OAuth 2.0"), ("apiKey", "API Key")),
            chooses_group=True,
        ),
        *(Setting(each.key, each.name, each.kind, required=True, group="oauth2") for each in OAUTH),
        Setting("mailings.key", "API Key", "PASSWORD", required=True, group="apiKey"),
        Setting("mailings.server", "Server", "TEXTFIELD_32", group="apiKey", default="us1"),
        *EVENTS,
    ),
)
ONLY_OPTIONAL = Element(
    9003,
    "feeds",
    "Feeds",
    "general",
    "none",
    resources=("feeds",),
    settings=(
        Setting("feeds.url", "Feed URL", "TEXTFIELD_1000"),
        Setting("feeds.strict", "Strict", "BOOLEAN", options=YES_NO),
    ),
)
_CURRENCIES = tuple((code, f"{code} accounts") for code in ("EUR", "USD", "GBP", "CHF", "JPY"))
# Every type of the vendor's client, one that no source names, and texts that must be escaped.
EVERYTHING = Element(
    9004,
    "ledgers",
    'Ledgers & "Books" <beta>',
    "finance",
    "custom",
    resources=("ledgers", "entries"),
    config_description='See <a href="https://ledgers.example/help">help</a><script>1</script>',
    signup_url="https://ledgers.example/signup?from=a&to=b",
    settings=(
        Setting("ledgers.code", "Code", "TEXTFIELD_32", required=True),
        Setting("ledgers.name", "Name", "TEXTFIELD_64"),
        Setting(
            "ledgers.pass.phrase",
            "Pass Phrase",
            "PASSWORD",
            required=True,
            description='Ask <b>treasury</b> & "audit"; <script>alert(1)</script> is text.',
        ),
        Setting("ledgers.address", "Address", "TEXTFIELD_1000"),
        Setting("ledgers.certificate", "Certificate", "TEXTAREA", required=True),
        Setting("ledgers.currency", "Currency", "COMBO", required=True, options=_CURRENCIES),
        Setting("ledgers.readonly", "Read only", "BOOLEAN", default="true", options=YES_NO),
        Setting("ledgers.archive", "Archive", "BOOLEAN_YESNO", options=YES_NO),
        Setting("ledgers.script", "Script", "CODE_EDITOR", default="done(true);"),
        Setting("ledgers.color", "Color", "COLOR_PICKER"),
        Setting("ledgers.shard", "Shard", required=True, default="7", internal=True),
        fixed("base.url", "https://ledgers.example/v3"),
    ),
)

SHAPES = (TWO_WAYS, ONLY_OPTIONAL, EVERYTHING)
