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

# Groups of a map, told apart from each other on both grounds; nine, as nobody reads more.
GROUPS = (
    "#3B82F6",
    "#F97316",
    "#14B8A6",
    "#EC4899",
    "#84CC16",
    "#A855F7",
    "#EAB308",
    "#0EA5E9",
    "#B45309",
)
