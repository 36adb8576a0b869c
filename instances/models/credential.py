"""By what credentials are known again after they were erased."""

from collections.abc import Iterable
from uuid import UUID

from django.db import models

from instances.models.operation import Operation, OperationSecret
from instances.models.states import OperationState

# What was not accepted, or never sent, signs in nowhere: it leaves no print.
FUTILE = (OperationState.REJECTED, OperationState.CANCELED)


class CredentialPrint(models.Model):
    """A keyed fingerprint of the credentials that an operation sends, with their environment."""

    operation = models.OneToOneField(
        Operation, on_delete=models.CASCADE, primary_key=True, related_name="credential_print"
    )
    # 64 hex digits; without the key ring nobody can tell of what, not even by trying.
    fingerprint = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["fingerprint"], name="credential_by_fingerprint")]

    def __str__(self) -> str:
        return f"Credentials of {self.operation_id}"


def erase_credentials(operations: Iterable[UUID] | models.QuerySet[Operation]) -> None:
    """
    Erase what these operations send, in the caller's transaction, which ended them.

    Of those that came to nothing no fingerprint is kept either.
    """
    OperationSecret.objects.filter(operation__in=operations).delete()
    ended = CredentialPrint.objects.filter(operation__in=operations)
    ended.filter(operation__state__in=FUTILE).delete()
