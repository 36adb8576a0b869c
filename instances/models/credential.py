"""By what credentials are known again after they were erased."""

from django.db import models

from instances.models.operation import Operation


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
