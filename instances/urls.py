"""The map of pages."""

from django.urls import path

from instances.views import (
    account,
    activity,
    attention,
    creation,
    decisions,
    detail,
    health,
    instance_health,
    lifecycle,
    listing,
    organizations,
    overview,
    sharing,
    token,
)

app_name = "instances"
urlpatterns = [
    path("", overview.overview, name="start"),
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("sign-in/", account.sign_in, name="sign_in"),
    path("sign-out/", account.sign_out, name="sign_out"),
    path("account/", account.account, name="account"),
    path("activity/", activity.activity, name="activity"),
    path("instances/", listing.instance_list, name="list"),
    path("instances/new/", creation.instance_new, name="new"),
    path("instances/new/preview/", creation.instance_new_preview, name="new_preview"),
    path("instances/<uuid:pk>/", detail.instance_detail, name="detail"),
    path("instances/<uuid:pk>/configuration/", detail.instance_configuration, name="configuration"),
    path("instances/<uuid:pk>/activity/", detail.instance_activity, name="instance_activity"),
    path("instances/<uuid:pk>/activity/read/", detail.log_read, name="log_read"),
    path(
        "instances/<uuid:pk>/health/",
        instance_health.instance_health,
        name="instance_health",
    ),
    path("instances/<uuid:pk>/health/test/", instance_health.health_test, name="health_test"),
    path("instances/<uuid:pk>/look/", detail.instance_look, name="look"),
    path("instances/<uuid:pk>/cancel/", decisions.instance_cancel, name="cancel"),
    path("instances/<uuid:pk>/disable/", lifecycle.instance_disable, name="disable"),
    path("instances/<uuid:pk>/enable/", lifecycle.instance_enable, name="enable"),
    path("instances/<uuid:pk>/token/", token.instance_token, name="token"),
    path("instances/<uuid:pk>/token/reveal/", token.token_reveal, name="reveal"),
    path("instances/<uuid:pk>/sharing/", sharing.instance_sharing, name="sharing"),
    path("shares/<uuid:pk>/remove/", sharing.share_remove, name="share_remove"),
    path("attention/", attention.attention, name="attention"),
    path("operations/<uuid:pk>/decide/", decisions.operation_decide, name="decide"),
    path("findings/<uuid:pk>/", decisions.finding_detail, name="finding"),
    path("organizations/", organizations.organization_list, name="organizations"),
    path("organizations/new/", organizations.organization_new, name="organization_new"),
    path(
        "organizations/<uuid:pk>/probe/",
        organizations.organization_probe,
        name="organization_probe",
    ),
    path(
        "organizations/<uuid:pk>/search/",
        organizations.organization_search,
        name="organization_search",
    ),
    path(
        "organizations/<uuid:pk>/verify/",
        organizations.organization_verify,
        name="organization_verify",
    ),
    path(
        "organizations/<uuid:pk>/secrets/confirm/",
        organizations.secrets_confirm,
        name="secrets_confirm",
    ),
    path(
        "organizations/<uuid:pk>/secrets/discard/",
        organizations.secrets_discard,
        name="secrets_discard",
    ),
    path("organizations/<uuid:pk>/", organizations.organization_detail, name="organization"),
]
