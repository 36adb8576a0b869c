"""Is this input acceptable, and what do we say if not."""

from instances.forms.account import EmailForm, PasswordForm
from instances.forms.audit import AuditFilter
from instances.forms.creation import InstanceForm
from instances.forms.decisions import CancelForm, DecisionForm, FindingForm
from instances.forms.drift import DriftForm, DriftView
from instances.forms.editing import EditForm
from instances.forms.elements import ElementForm
from instances.forms.filters import Chip, InstanceFilter, PagePosition
from instances.forms.invitations import InvitationForm, NewAccountForm
from instances.forms.lifecycle import SwitchForm
from instances.forms.organizations import OrganizationForm
from instances.forms.people import HeirForm, MemberForm, RoleForm, SightForm, TeamForm, TeammateForm
from instances.forms.preferences import PreferencesForm
from instances.forms.preview import RequestPreview
from instances.forms.proofs import AppForm, ConfirmForm, PasskeyForm, ProofForm
from instances.forms.reauthentication import ReauthenticationForm
from instances.forms.reconsent import ReconsentForm
from instances.forms.sharing import ShareForm
from instances.forms.signing_in import SignInForm
from instances.forms.timeline import Place, Show, TimelineFilter
from instances.forms.webhooks import WebhookChangeForm, WebhookForm

__all__ = [
    "AppForm",
    "AuditFilter",
    "CancelForm",
    "Chip",
    "ConfirmForm",
    "DecisionForm",
    "DriftForm",
    "DriftView",
    "EditForm",
    "ElementForm",
    "EmailForm",
    "FindingForm",
    "HeirForm",
    "InstanceFilter",
    "InstanceForm",
    "InvitationForm",
    "MemberForm",
    "NewAccountForm",
    "OrganizationForm",
    "PagePosition",
    "PasskeyForm",
    "PasswordForm",
    "Place",
    "PreferencesForm",
    "ProofForm",
    "ReauthenticationForm",
    "ReconsentForm",
    "RequestPreview",
    "RoleForm",
    "ShareForm",
    "Show",
    "SightForm",
    "SignInForm",
    "SwitchForm",
    "TeamForm",
    "TeammateForm",
    "TimelineFilter",
    "WebhookChangeForm",
    "WebhookForm",
]
