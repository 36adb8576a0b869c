"""The elements this platform offers: zuorav2 after its public pages, the others by their shape."""

from collections.abc import Sequence
from dataclasses import replace

from sandbox.catalog import Element, Setting
from sandbox.settings import AUTHENTICATION_CHOICE, EVENTS, NULLS, OAUTH, YES_NO, fixed
from sandbox.shapes import SHAPES

# Keys and defaults: the seed page's response and the public guide's zuora/authenticate page.
ZUORA = Element(
    2245,
    "zuorav2",
    "Zuora v2",
    "payment",
    "basic",
    hook_name="ZuoraV2",
    description="Bill customers, take payments and keep products and subscriptions in Zuora. "
    "You need a Zuora account to create an instance.",
    image="elements/provider_zuora.png",
    resources=(
        "customers",
        "invoices",
        "payments",
        "payment-methods",
        "products",
        "product-rate-plans",
        "subscriptions",
    ),
    settings=(
        Setting(
            "zuorav2.sandbox", "Sandbox", "BOOLEAN", default="false", shown=True, options=YES_NO
        ),
        AUTHENTICATION_CHOICE,
        Setting("username", "Username", required=True, group="basic"),
        Setting("password", "Password", "PASSWORD", required=True, group="basic"),
        Setting("clientId", "Client ID", required=True, group="custom"),
        Setting("clientSecret", "Client Secret", "PASSWORD", required=True, group="custom"),
        *EVENTS,
        NULLS,
        fixed("base.url", "https://rest.zuora.com/v1"),
        fixed("pagination.type", "cursor"),
        fixed("pagination.max", "2000"),
        fixed("bulk.add_metadata", None),
        fixed("bulk.relations", None),
        fixed("bulk.query.field_name", "CreatedDate"),
        fixed("bulk.query.operator", ">="),
        fixed("bulk.query.date_mask", "yyyy-MM-dd'T'HH:mm:ss'Z'"),
        fixed("bulk.query.download_format", "JSON"),
    ),
)
# The seed page's own answer comes from a tenant's private clone: other id and name, same key.
ZUORA_CLONE = replace(ZUORA, id=9380, name="Zuora v2-clone Beta", is_private=True)

JIRA = Element(
    2186,
    "jira",
    "JIRA",
    "helpdesk",
    "basic",
    resources=("incidents", "users", "projects"),
    settings=(
        Setting("base.url", "Site URL", "TEXTFIELD_1000", required=True),
        Setting("username", "Username", required=True),
        Setting("password", "Password", "PASSWORD", required=True),
        NULLS,
    ),
)
CLOSEIO = Element(
    2169,
    "closeio",
    "Close.io",
    "crm",
    "apiKey",
    resources=("contacts", "leads", "opportunities"),
    settings=(
        Setting("username", "API Key", "PASSWORD", required=True),
        *EVENTS,
    ),
)
SALESFORCE = Element(
    23,
    "sfdc",
    "Salesforce Sales Cloud",
    "crm",
    "oauth2",
    description='Sales automation. <a href="https://www.salesforce.com">Sign up</a> &amp; connect.',
    resources=("accounts", "contacts", "leads", "opportunities"),
    settings=(
        *OAUTH,
        Setting("oauth.scope", "OAuth Scope", "TEXTFIELD_1000", default="full refresh_token"),
        *EVENTS,
        NULLS,
    ),
)
QUICKBOOKS = Element(
    170,
    "quickbooks",
    "QuickBooks Online",
    "finance",
    "oauth1",
    resources=("customers", "invoices", "payments"),
    settings=(
        *OAUTH,
        Setting("quickbooks.sandbox", "Sandbox", "BOOLEAN_YESNO", default="false", options=YES_NO),
    ),
)
BIGCOMMERCE = Element(
    190,
    "bigcommerce",
    "BigCommerce",
    "ecommerce",
    "basic",
    resources=("customers", "orders", "products"),
    settings=(
        Setting("base.url", "Store URL", "TEXTFIELD_1000", required=True),
        AUTHENTICATION_CHOICE,
        Setting("username", "Username", required=True, group="basic"),
        # Typed as text in the real export, so masking by type alone would show it.
        Setting("password", "API Key", required=True, group="basic"),
        Setting("client.id", "Client ID", required=True, group="custom"),
        Setting("access.token", "Access Token", "PASSWORD", required=True, group="custom"),
    ),
)
AMAZON_S3 = Element(
    4820,
    "amazons3",
    "Amazon S3",
    "documents",
    "custom",
    resources=("files", "folders"),
    settings=(
        Setting("amazons3.access.key", "Access Key", required=True),
        Setting("amazons3.secret.key", "Secret Key", "PASSWORD", required=True),
        Setting("amazons3.bucket", "Bucket", "TEXTFIELD_64", required=True),
        Setting(
            "amazons3.region",
            "Region",
            "COMBO",
            required=True,
            default="us-east-1",
            options=(("us-east-1", "N. Virginia"), ("eu-central-1", "Frankfurt")),
        ),
        Setting("amazons3.encrypt", "Encrypt", "BOOLEAN", default="true", options=YES_NO),
    ),
)
SFTP = Element(
    5218,
    "sftp",
    "SFTP",
    "documents",
    "custom",
    resources=("files", "folders"),
    settings=(
        Setting("host", "Host", required=True),
        Setting("port", "Port", "TEXTFIELD_32", default="22"),
        Setting("username", "Username", required=True),
        Setting("private.key", "Private Key", "TEXTAREA", required=True),
        Setting("instance.variables", "Instance Variables", "CODE_EDITOR"),
        Setting("passive", "Passive Mode", "BOOLEAN_YESNO", default="false", options=YES_NO),
    ),
)
# Invented: the one element that asks for nothing at all.
ECHO = Element(9001, "echo", "Echo", "general", "none", resources=("messages",))

ELEMENTS = (
    ZUORA,
    JIRA,
    CLOSEIO,
    SALESFORCE,
    QUICKBOOKS,
    BIGCOMMERCE,
    AMAZON_S3,
    SFTP,
    ECHO,
    *SHAPES,
)
BY_ID = {each.id: each for each in (*ELEMENTS, ZUORA_CLONE)}


def offered(*, private_clone: bool, invented: Sequence[Element] = ()) -> tuple[Element, ...]:
    """List what a tenant sees; an invented element stands in for the known one with its key."""
    known = (*ELEMENTS, ZUORA_CLONE) if private_clone else ELEMENTS
    keys = {each.key for each in invented}
    return (*(each for each in known if each.key not in keys), *invented)


def find(
    reference: str,
    *,
    private_clone: bool,
    ignore_case: bool = False,
    invented: Sequence[Element] = (),
) -> Element | None:
    """Look an element up by key or by number; of two with one key the tenant's own clone wins."""
    wanted = reference.lower() if ignore_case else reference
    among = offered(private_clone=private_clone, invented=invented)
    found = [each for each in among if wanted in (each.key, str(each.id))]
    return found[-1] if found else None
