"""What programs send: every entry by its kind, and none that is not known."""

from datetime import date
from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import ConfigDict, StrictBool

# No database takes NUL.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Name = Annotated[Text, Field(min_length=1, max_length=255)]
Reason = Annotated[Text, Field(min_length=1, max_length=300)]
Key = Annotated[Text, Field(min_length=1, max_length=255)]
# The platform's values are texts and switches.
Value = Annotated[Text, Field(max_length=20_000)] | StrictBool
Configuration = Annotated[dict[Key, Value], Field(max_length=200)]
Tags = Annotated[list[Annotated[Text, Field(min_length=1, max_length=255)]], Field(max_length=100)]


class Wish(Schema):
    """What is sent: an entry that is not known is refused, never ignored."""

    model_config = ConfigDict(extra="forbid")


class ElementKey(Wish):
    """Which element."""

    key: Annotated[Text, Field(min_length=1, max_length=100)]


class InstanceWish(Wish):
    """The body of the platform's own guide: instance.json."""

    element: ElementKey
    name: Name
    tags: Tags = []
    configuration: Configuration
    environment: Literal["", "sandbox", "production"] = Field(
        "", description="For people; Zuora's entries tell it by themselves."
    )
    confirm_environment: StrictBool = Field(
        False, description="Send credentials that are in use in Zuora's other environment, too."
    )


class TwinWish(Wish):
    """What another instance has besides what is taken over: credentials at least."""

    configuration: Configuration
    name: Name | None = None
    tags: Tags | None = None
    confirm_environment: StrictBool = False


class RotationWish(TwinWish):
    """The same, and for how many days both work."""

    days: Annotated[float, Field(ge=0, le=365, strict=True)] | None = None


class EditWish(Wish):
    """What shall be otherwise; what is not named stays."""

    name: Name | None = None
    tags: Tags | None = None
    configuration: Annotated[
        dict[Key, Annotated[Text, Field(max_length=8_999)]], Field(max_length=200)
    ] = {}


class CredentialsWish(Wish):
    """New credentials; what is not named is kept."""

    configuration: Configuration
    confirm_environment: StrictBool = False


class ReasonWish(Wish):
    """Why."""

    reason: Reason


class TokenWish(Wish):
    """What the token is needed for."""

    reason: Annotated[Text, Field(max_length=300)] = Field(
        "", description="Kept in the audit record; some organizations want one."
    )


class DeletionWish(ReasonWish):
    """Why, and which: nothing is deleted by a slip."""

    name: Annotated[Text, Field(min_length=1, max_length=300)] = Field(
        description="The name of the instance, or its instance ID on the platform."
    )


class DecisionWish(ReasonWish):
    """How an operation goes on that needs a person."""

    choice: Literal["look", "create", "mark", "adopt", "not_ours"]
    remote_id: Annotated[int, Field(gt=0, lt=2**63, strict=True)] | None = Field(
        None, description="Which instance of the platform, to adopt one or to say it is not ours."
    )


class CancelWish(Wish):
    """What shall happen if it turns out that it was created."""

    wish: Literal["keep", "delete"] = "keep"


class ShareWish(Wish):
    """With whom, how far, until when; an earlier share with them is replaced."""

    person: Annotated[Text, Field(max_length=254)] = Field("", description="User name or e-mail.")
    team: Annotated[Text, Field(max_length=100)] = ""
    level: Literal["view", "use", "manage"]
    until: date | None = Field(None, description="Until the end of that day (UTC).")
