"""The style of pictures, for light and for dark. Plain declarations without variables: not every reader of SVG knows those."""

import string

LIGHT = {
    "paper": "#ffffff",
    "ink": "#1b2733",
    "soft": "#5d6b78",
    "line": "#dbe1e6",
    "stable": "#b9c6d2",
    "candidate": "#0b8296",
    "on": "#ffffff",
    "cohort": "#d98a00",
    "bad": "#c43d28",
    "now": "#6a3fc4",
}
DARK = {
    "paper": "#141b22",
    "ink": "#e3eaf0",
    "soft": "#94a3b1",
    "line": "#2b3641",
    "stable": "#48586a",
    "candidate": "#2bb0c2",
    "on": "#08222a",
    "cohort": "#f0ad3a",
    "bad": "#f07a62",
    "now": "#b39bf5",
}
_FORMS = """
.tg{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.tg text{font-size:11.5px}
.tg .title{font-weight:650;font-size:12.5px}
.tg .share{font-weight:650;font-size:13px}
.tg .tiny{font-size:10.5px}
.tg .badly,.tg .tagged{font-weight:650}
.tg .seam{stroke-dasharray:1.5 3;opacity:.6}
.tg .now{fill:none}
.tg .hollow{fill:none;stroke-dasharray:2.5 2}
"""
_COLOURS = string.Template("""
.tg text{fill:$ink}
.tg .soft,.tg .tiny{fill:$soft}
.tg .on{fill:$on}
.tg .badly{fill:$bad}
.tg .tagged{fill:$paper}
.tg .paper{fill:$paper}
.tg .stable{fill:$stable}
.tg .candidate,.tg .dot{fill:$candidate}
.tg .cohort{fill:$cohort}
.tg .tag{fill:$now}
.tg .line{stroke:$line}
.tg .seam{stroke:$paper}
.tg .hatch,.tg .of-candidate{stroke:$candidate}
.tg .back,.tg .of-stable{stroke:$stable}
.tg .bad{stroke:$bad}
.tg .now{stroke:$now}
""")


def style() -> str:
    """For all pictures of a page, or for one alone. What is dark comes last, so that it wins where it holds."""
    dark = f"@media(prefers-color-scheme:dark){{{_COLOURS.substitute(DARK)}}}"
    return f"{_FORMS}{_COLOURS.substitute(LIGHT).lstrip()}{dark}".strip()
