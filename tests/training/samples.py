"""The sample's cases, prepared as a run would."""

from ststudio.data.builtin import builtin_table, enrich
from ststudio.data.doctor import diagnose
from ststudio.data.examples import Examples, make_examples


def examples_of(case: str) -> Examples:
    """Return a case of the sample in its three parts."""
    table = builtin_table(f"sample-{case}")
    return enrich(make_examples(table, diagnose(table), 42, None))
