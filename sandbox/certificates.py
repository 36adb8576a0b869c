"""Certificates for the sandbox: an authority of its own, and wrong ones of every kind."""

import datetime
import ipaddress
import ssl
import tempfile
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KINDS = ("good", "expired", "self-signed", "wrong host", "unknown authority")

DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate authority in a folder; `pem` is the file a client has to trust."""

    def __init__(self, folder: Path | None = None) -> None:
        self._temporary = tempfile.TemporaryDirectory() if folder is None else None
        self.folder = Path(self._temporary.name) if self._temporary else folder or Path()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _sign(_name("Sandbox Authority"), self._key, None)
        self.pem = self.folder / "authority.pem"
        self.pem.write_bytes(_pem(self._certificate))

    def context(self, kind: str = "good", *, newest: str = "") -> ssl.SSLContext:
        """Make a server's TLS settings with a certificate of this kind; `newest` caps the version."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._issue(kind))
        if newest:
            _cap_version(context, newest)
        return context

    def _issue(self, kind: str) -> Path:
        if kind == "unknown authority":
            return Authority(self.folder / "unknown")._issue("good")
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = None if kind == "self-signed" else (self._certificate, self._key)
        host = "somewhere-else.example" if kind == "wrong host" else "localhost"
        certificate = _sign(_name(host), key, issuer, host=host, expired=kind == "expired")
        path = self.folder / f"{kind.replace(' ', '-')}.pem"
        path.write_bytes(_pem(certificate) + _key_pem(key))
        return path

    def close(self) -> None:
        if self._temporary:
            self._temporary.cleanup()


def _cap_version(context: ssl.SSLContext, newest: str) -> None:
    """Offer nothing newer: OpenSSL's usual security level and Python both object to old versions."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion[newest]


def _sign(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None,
    *,
    host: str = "",
    expired: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    end = now - DAY if expired else now + 30 * DAY
    issuer_name, issuer_key = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * DAY)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=not host, path_length=None), critical=True)
    )
    builder = _identified(builder, key, issuer_key)
    if host:
        builder = builder.add_extension(_alternatives(host), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _identified(
    builder: x509.CertificateBuilder,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.CertificateBuilder:
    """Add the key identifiers that strict verification (the default since Python 3.13) wants."""
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issuers = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return builder.add_extension(own, critical=False).add_extension(issuers, critical=False)


def _alternatives(host: str) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = [x509.DNSName(host)]
    if host == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    return x509.SubjectAlternativeName(names)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
