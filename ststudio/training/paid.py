"""What was paid for a gain: how much general English a model has forgotten, in one sentence."""

from collections.abc import Mapping
from typing import Any

from ststudio.data.general import HAND_WRITTEN
from ststudio.training.verdict import FEWEST_UNITS, HARDLY, movement

HEADS: dict[str, str] = {
    "WIN": "General English got better, too",
    "REGRESSION": "Something was paid",
    "MARGINAL": "Nothing was clearly lost",
}
FOREIGN = frozenset({"not_english", "mixed_languages"})  # codes of findings


def paid(report: Mapping[str, Any] | None, facts: Mapping[str, Any]) -> str:
    """Say what a fine-tuning cost outside its data, as Markdown; nothing where it is not known."""
    found = (report or {}).get("forgetting")
    if not found:
        return ""
    n = found["n"]
    head = HEADS[found["verdict"]] if n >= FEWEST_UNITS else "Too few general pairs to tell"
    if found["verdict"] != "MARGINAL" and abs(found["delta"]) < HARDLY:
        head += ", but hardly enough to notice"
    ours = found["source"] == HAND_WRITTEN
    pairs = "hand-written pairs" if ours else "pairs of the STS benchmark"
    return (
        f"**{head}.** General English: Spearman correlation on {n:,} {pairs} "
        f"{movement(found)}.{_other_languages(facts)}"
    )


def _other_languages(facts: Mapping[str, Any]) -> str:
    """Say what is not known of a model that reads more than English."""
    base = str((facts.get("base_model") or {}).get("id", ""))
    codes = {finding.get("code") for finding in facts.get("findings") or ()}
    if "multilingual" not in base.lower() and not codes & FOREIGN:
        return ""
    return " What was forgotten in other languages is not known: these pairs are English."
