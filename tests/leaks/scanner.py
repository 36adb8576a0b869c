"""Search bytes and files for secrets, and believe no search that did not find its own control."""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.leaks.encodings import forms_of

Pieces = Iterable[tuple[str, bytes]]
Secrets = Mapping[str, str | bytes]

MEMBER = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")
NULS = re.compile(rb"\0{64,}")
LARGEST_MEMBER = 32 * 1024 * 1024
DEEPEST = 2
BITE = 512


class Search:
    """The forms of every secret, to be looked for together."""

    def __init__(self, secrets: Secrets) -> None:
        self._forms = [
            (form, f"{name} ({encoding})")
            for name, secret in secrets.items()
            for form, encoding in forms_of(secret).items()
        ]

    def hits(self, found: bytes, depth: int = 0) -> set[str]:
        """Return the name and the encoding of each secret in these bytes and what they pack."""
        text = NULS.sub(b"\0" * 8, found).lower()
        hits = {name for form, name in self._forms if form in text}
        if depth < DEEPEST:
            for member in unpacked(found):
                hits |= {f"{name} packed" for name in self.hits(member, depth + 1)}
        return hits


def unpacked(packed: bytes) -> Iterator[bytes]:
    """Give what every gzip or zlib member holds, as far as it can be unpacked."""
    for start in MEMBER.finditer(packed):
        content = _unpack(memoryview(packed)[start.start() :], is_gzip=start[0][:1] == b"\x1f")
        if len(content) > BITE // 8:
            yield content


def _unpack(packed: memoryview, *, is_gzip: bool) -> bytes:
    machine = zlib.decompressobj(31 if is_gzip else 15)
    content = bytearray()
    try:
        # Bite by bite, so that what stands before a damage is kept.
        for at in range(0, len(packed), BITE):
            content += machine.decompress(packed[at : at + BITE])
            if machine.eof or len(content) > LARGEST_MEMBER:
                break
    except zlib.error:
        pass
    return bytes(content)


@dataclass(frozen=True)
class Sink:
    """A place where secrets may end up; `control` was put there on purpose."""

    name: str
    control: str
    read: Callable[[], Pieces]


@dataclass
class Result:
    """What the search of one sink gave; `hits` name secret, encoding and place."""

    name: str
    size: int = 0
    is_scanned: bool = False
    hits: set[str] = field(default_factory=set)

    @property
    def is_clean(self) -> bool:
        """Whether there is no hit, and one would have been found."""
        return self.is_scanned and not self.hits


def scan(sinks: Iterable[Sink], secrets: Secrets) -> list[Result]:
    """Search each sink for every secret, and for its control in the same way."""
    search = Search(secrets)
    return [_scan_one(sink, search) for sink in sinks]


def _scan_one(sink: Sink, search: Search) -> Result:
    result, control = Result(sink.name), Search({"control": sink.control})
    for place, content in sink.read():
        result.size += len(content)
        result.is_scanned |= bool(control.hits(content))
        result.hits |= {f"{name} at {place}" for name in search.hits(content)}
    return result


def table(results: Iterable[Result]) -> str:
    """Return one line for each sink: bytes searched, whether the control was found, hits."""
    lines = ["| sink | bytes searched | control found | hits |", "| --- | ---: | --- | ---: |"]
    lines += [
        f"| {each.name} | {each.size:,} | {'yes' if each.is_scanned else 'NO'} | {len(each.hits)} |"
        for each in results
    ]
    return "\n".join(lines)


def files(*folders: Path) -> Callable[[], Pieces]:
    """Read files, and every regular file below folders; what vanishes meanwhile is left out."""

    def read() -> Iterator[tuple[str, bytes]]:
        for folder in folders:
            for path in [folder] if folder.is_file() else sorted(folder.rglob("*")):
                try:
                    if path.is_file() and not path.is_symlink():
                        yield str(path), path.read_bytes()
                except FileNotFoundError:
                    continue

    return read


def text(name: str, *contents: bytes) -> Callable[[], Pieces]:
    """Read what is in memory already."""
    return lambda: [(name, content) for content in contents]
