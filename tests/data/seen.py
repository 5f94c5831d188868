"""What a diagnosis said, for tests."""

from ststudio.data.doctor import Diagnosis, Finding


def find(found: Diagnosis, code: str) -> Finding:
    """Return the first finding of a code, failing with what was said instead."""
    matching = [finding for finding in found.findings if finding.code == code]
    assert matching, f"no {code} among {[f.code for f in found.findings]}"
    return matching[0]


def codes(found: Diagnosis) -> set[str]:
    """Return the codes of all findings."""
    return {finding.code for finding in found.findings}
