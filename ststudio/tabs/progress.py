"""The line and bar that say where long work stands."""

import html


def bar(words: str, share: float) -> str:
    """Return words, escaped, above a bar filled to `share`, 0 to 1."""
    width = 100 * min(max(share, 0.0), 1.0)
    return (
        f'<div class="progress" role="status"><div class="words">{html.escape(words)}</div>'
        f'<div class="bar"><div style="width:{width:.0f}%"></div></div></div>'
    )
