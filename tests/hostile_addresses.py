"""Addresses, DNS answers and redirects that try to lead a call somewhere else."""

import ipaddress
from itertools import product

ALLOWED = "api.cloud-elements.com"
PATH = "/elements/api-v2"

# Networks that are not the public internet, or lead into one that is not.
NETWORKS = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    *("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64"),
    *("2001::/32", "2001:2::/48", "2001:10::/28", "2001:20::/28", "2001:db8::/32"),
    *("2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
)
PUBLIC = "93.184.215.14"


def spellings(address: str) -> list[str]:
    """The ways in which a resolver or a browser may read an IPv4 address."""
    parts = [int(part) for part in address.split(".")]
    number = int(ipaddress.IPv4Address(address))
    short = f"{parts[0]}.{number & 0xFFFFFF}"
    return [
        address,
        str(number),
        hex(number),
        oct(number).replace("o", ""),
        ".".join(oct(part).replace("o", "") for part in parts),
        ".".join(hex(part) for part in parts),
        ".".join(f"{part:03d}" for part in parts),
        short,
        f"{parts[0]}.{parts[1]}.{number & 0xFFFF}",
        f"{address}.",
        f"[::ffff:{address}]",
        f"[::{address}]",
        f"[::ffff:{number >> 16:x}:{number & 0xFFFF:x}]",
        f"[64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}]",
        f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]",
    ]


# Names that lead inside wherever they are looked up.
INSIDE = (
    "localhost",
    "localhost.",
    "localhost.localdomain",
    "ip6-localhost",
    "metadata.google.internal",
    "instance-data",
    "kubernetes.default.svc",
    "host.docker.internal",
    "redis",
    "postgres",
    "web",
    "127.0.0.1.nip.io",
    "localtest.me",
)


def lookalikes() -> list[str]:
    """Hosts that a careless comparison takes for the allowed one."""
    name, evil = ALLOWED, "evil.example"
    dotted = name.replace(".", "\u3002"), name.replace(".", "\uff0e"), name.replace(".", "\uff61")
    return [
        f"{name}.{evil}",
        f"{evil}.{name}",
        f"x{name}",
        f"{name}x",
        f"{name}.",
        f"{name}..",
        f".{name}",
        name.replace("-", "."),
        name.replace("-", ""),
        name.replace("a", "\u0430"),
        name.replace("o", "\u043e"),
        name.replace("c", "\u0441"),
        "".join(chr(ord(char) + 0xFEE0) if char.isalpha() else char for char in name),
        *dotted,
        name.replace("i", "\u0131"),
        name.replace("l", "1"),
        f"xn--{name}",
        f"{name}\u200b",
        f"\u200b{name}",
        f"{name}\u00ad",
        f"{name}\u202e",
        f"{name}%00",
        f"{name}%00.{evil}",
        f"{name}%2e{evil}",
        f"{name}%252e{evil}",
        f"{name}\x00.{evil}",
        f"{name}\t.{evil}",
        f"{name}\n.{evil}",
        f"{name}\r\n.{evil}",
        f"{name} {evil}",
        f"{name},{evil}",
        f"{name};{evil}",
        f"{name}|{evil}",
        f"{name}&{evil}",
        f"{name}'{evil}",
        f'{name}"{evil}',
        f"{name}<{evil}",
        f"{name}`{evil}",
        f"{name}${{{evil}}}",
        *INSIDE,
        evil,
    ]


def disguises(inside: str) -> list[str]:
    """Whole addresses in which the allowed name stands for show, and `inside` is the target."""
    name = ALLOWED
    return [
        f"https://{name}@{inside}{PATH}",
        f"https://{name}:443@{inside}{PATH}",
        f"https://{name}%40{inside}{PATH}",
        f"https://user:{name}@{inside}{PATH}",
        f"https://{inside}\\@{name}{PATH}",
        f"https://{name}\\@{inside}{PATH}",
        f"https://{inside}#@{name}{PATH}",
        f"https://{inside}?@{name}{PATH}",
        f"https://{inside};@{name}{PATH}",
        f"https://{inside}/@{name}{PATH}",
        f"https://{inside}\t@{name}{PATH}",
        f"https:\\\\{inside}{PATH}",
        f"https:/{inside}{PATH}",
        f"https:{inside}{PATH}",
        f"https:///{inside}{PATH}",
        f"https:////{inside}{PATH}",
        f"//{inside}{PATH}",
        f"\\\\{inside}\\share",
        f"https://[{inside}]{PATH}",
        f"https://[::1]@{name}{PATH}",
        f"https://{inside}:443{PATH}",
        f"https://{inside}:{name}{PATH}",
    ]


def schemes() -> list[str]:
    """Other ways to fetch, and to reach a file or a socket of this machine."""
    others = (
        *("ftp", "file", "gopher", "dict", "ldap", "ws", "wss", "jar", "data", "javascript"),
        *("unix", "http+unix", "redis", "smb", "netdoc", "tftp", "ssh", "view-source", "blob"),
    )
    odd = ("hTTp", "https ", " https", "https\t", "htt\nps", "https:https", "url:https")
    return [
        *(f"{scheme}://{ALLOWED}{PATH}" for scheme in others),
        *(f"{scheme}://127.0.0.1{PATH}" for scheme in (*others, *odd)),
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "data:text/html,hello",
        "javascript:alert(1)",
        "http+unix://%2Fvar%2Frun%2Fdocker.sock/info",
    ]


def ports() -> list[str]:
    """The allowed name at ports that are not the allowed one."""
    odd = (0, 22, 25, 80, 81, 442, 444, 5432, 6379, 8000, 8080, 8443, 11211, 65_535, 65_536, -1)
    written = ("443x", " 443", "0443a", "\uff14\uff14\uff13", "443%00", "443@127.0.0.1", "+80")
    return [
        *(f"https://{ALLOWED}:{port}{PATH}" for port in (*odd, *written)),
        f"http://{ALLOWED}{PATH}",
        f"http://{ALLOWED}:443{PATH}",
    ]


def urls() -> list[str]:
    """Every address that must lead nowhere."""
    inner = ("127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.0.1", "0.0.0.0")  # noqa: S104  # must not be called
    hosts = [spelling for address in inner for spelling in spellings(address)]
    hosts += [*lookalikes(), "[::1]", "[::]", "[fe80::1%25lo]", "[fd00::1]", "[::ffff:0:7f00:1]"]
    found = [f"https://{host}{PATH}" for host in hosts]
    found += [url for address in inner[:2] for url in disguises(address)]
    return list(dict.fromkeys([*found, *schemes(), *ports(), "", " ", "https://", "https://:443/"]))


def dns_answers() -> list[list[str]]:
    """What a resolver may answer for the allowed name, none of it wholly public."""
    alone = []
    for network in map(ipaddress.ip_network, NETWORKS):
        ends = network[0], network[1], network[-1], network[network.num_addresses // 2]
        alone += list(dict.fromkeys(str(address) for address in ends))
    mixed = [[PUBLIC, address] for address in alone[::5]]
    mixed += [[address, PUBLIC] for address in alone[1::5]]
    odd = [[""], ["not an address"], ["127.0.0.1\n"], ["::1%lo"], ["fe80::1%eth0"], ["0x7f000001"]]
    odd += [["2130706433"], ["017700000001"], ["[::1]"], ["127.0.0.1:443"], ["127.1"], ["0"]]
    return [*([address] for address in alone), *mixed, *odd]


def redirects(here: str) -> list[tuple[int, str]]:
    """Statuses and where they point; `here` is the listener's own address."""
    targets = [
        *("http://127.0.0.1:9/", "https://169.254.169.254/latest/meta-data/", "http://[::1]/"),
        *(
            "//127.0.0.1/",
            "/elsewhere",
            "?again",
            "#",
            "",
            here,
            f"{here}/loop",
            "file:///etc/passwd",
        ),
        *(f"https://{ALLOWED}/", "http://evil.example/", "https://user:pass@evil.example/"),
        *("javascript:alert(1)", "data:text/plain,x", "http://0x7f000001/", "\\\\127.0.0.1\\x"),
        *("http://localhost:6379/", "gopher://127.0.0.1:6379/_FLUSHALL", "http://a/ http://b/"),
    ]
    return list(product((301, 302, 303, 307, 308), targets))


HEADERS = (
    "Refresh: 0; url=http://127.0.0.1:9/",
    'Alt-Svc: h2="127.0.0.1:9"; ma=86400',
    'Alt-Svc: h3=":9"',
    "Content-Location: http://127.0.0.1:9/",
    "Link: <http://127.0.0.1:9/>; rel=preload",
    "Upgrade: h2c",
    "Location: http://127.0.0.1:9/",
    "Strict-Transport-Security: max-age=1",
    "Proxy-Authenticate: Basic",
    "Set-Cookie: a=b; Domain=127.0.0.1",
)
