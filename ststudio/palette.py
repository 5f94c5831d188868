"""The colours that theme, tables and figures share, readable on light and on dark."""

BASE = "#94A3B8"  # slate: the base model, everywhere
TUNED = "#6366F1"  # indigo: the fine-tuned model, everywhere
QUERY = "#F59E0B"  # amber
GAIN = "#10B981"  # emerald
LOSS = "#F43F5E"  # rose
INK = "#7B8698"  # text on either ground; the theme's own colour, where CSS reaches, is better
GRID = "rgba(128, 138, 155, 0.25)"
CLEAR = "rgba(0, 0, 0, 0)"
NOTE = "#1E293B"  # ground of a hover text, on either page
NOTE_INK = "#F8FAFC"

# Groups of a map: no two closer than 20 (CIE76) to eyes without one kind of cone (Machado 2009),
# about twice the contrast of either ground; nine, as nobody reads more.
GROUPS = (
    "#05D1A8",
    "#D10505",
    "#6A95FB",
    "#C4BA64",
    "#BD05AB",
    "#147171",
    "#EEA0EE",
    "#802EFA",
    "#BE6A55",
)
# From far to near: ever more ink, so that it reads without colour on either ground.
SCORES = ((0.0, "rgba(148, 163, 184, 0.25)"), (0.5, "rgba(217, 158, 50, 0.8)"), (1.0, "#D9480F"))
