"""Words that a query and a text share, marked in the text: by their stems, and none of grammar."""

import html
import re
import unicodedata

WORD = re.compile(r"\w+(?:['’]\w+)*")
LEAST = 3  # letters that are left of a stem

# Words of English grammar: that two texts share them says nothing of what they are about.
GRAMMAR = frozenset(
    "a about above after again against all also am an and any are aren't as at be because been "
    "before being below between both but by can can't cannot could couldn't did didn't do does "
    "doesn't doing don't down during each few for from further get gets got had hadn't has hasn't "
    "have haven't having he her here hers herself him himself his how i i'm i've if in into is "
    "isn't it it's its itself just me more most my myself no nor not now of off on once only or "
    "other our ours ourselves out over own same shall she should shouldn't so some such than that "
    "the their theirs them themselves then there these they this those through to too under until "
    "up us very was wasn't we were weren't what when where which while who whom why will with "
    "won't would wouldn't you your yours yourself yourselves".split()
)
# What English adds to a word, the longest first; a stem need not be a word, but be the same.
ENDINGS = (("iest", "y"), ("ies", "y"), ("ied", "y"), ("ing", ""), ("ers", "er"), ("est", ""),
           ("es", ""), ("ed", ""), ("ly", ""), ("s", ""))  # fmt: skip


def stem(word: str) -> str:
    """Return what forms of an English word have in common: "jams", "jammed" and "jamming" as one.

    A few endings, in the way of Harman's S stemmer (1991); words in other languages mostly stay.
    """
    word = unicodedata.normalize("NFKC", word).casefold().replace("’", "'").removesuffix("'s")
    if not word.endswith("ss"):
        for ending, instead in ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= LEAST:
                word = word.removesuffix(ending) + instead
                break
    if len(word) > LEAST and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > LEAST else word


def stems(text: str) -> frozenset[str]:
    """Return the stems of a text's words, without those of grammar."""
    words = (word.casefold().replace("’", "'") for word in WORD.findall(text))
    return frozenset(stem(word) for word in words if word not in GRAMMAR)


def marked(text: str, query: str) -> str:
    """Return a text as HTML, escaped, with the words marked that the query has too."""
    sought = stems(query)
    parts, seen = [], 0
    for word in WORD.finditer(text):
        shares = stem(word[0]) in sought and word[0].casefold().replace("’", "'") not in GRAMMAR
        if shares:
            parts += [
                html.escape(text[seen : word.start()]),
                f"<mark>{html.escape(word[0])}</mark>",
            ]
            seen = word.end()
    return "".join([*parts, html.escape(text[seen:])])
