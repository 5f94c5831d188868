"""Names of columns that number, date or place the rows, or say what state they are in."""

import re
from collections.abc import Iterable

GOODS = "sku|asin|isbn|ean|gtin|upc|mpn"  # what articles are numbered by

# Words that name a key or a place in names such as "pair_id", "doc-id" or "Unnamed: 0".
ID_NAME = re.compile(
    r"^(id|ids|_id|idx|index|uuid|guid|hash|url|uri|link|file|filename|path|date|time|timestamp"
    r"|created_?at|row|row_?(nr|no|number|id)|nr|no|key|author|user|username|lang|language|split"
    r"|license|licence|genre|year|page|chunk|source_?file|unnamed:? ?\d*"
    rf"|#|№|{GOODS}|.*[_\-. ](id|ids|idx|index|url|uuid|uid|guid|no|nr|num|number|date|time|at|key"
    r"|page|chunk"
    rf"|{GOODS})|[a-z]+id\d?|[A-Za-z]*[a-z]I[Dd])$"
)
# How often something was done with a row.
COUNTED = (
    "comments?|repl(y|ies)|views?|likes?|upvotes?|downvotes?|shares?|retweets?|downloads?|clicks?"
    "|impressions?|tokens?|words?|char(acter)?s|lines?"
)
# Who wrote a row, what state it is in, how often it was read: none says anything of its texts.
ASIDE = re.compile(
    r"((author|user|reviewer|customer|seller|agent|annotator|worker|editor|assignee|reporter|owner"
    r"|nick|pseudo|handle|preacher|auteur|autor|autore|verfasser|benutzer|nutzer|utente|usuario"
    r"|gebruiker|bearbeiter|mitarbeiter)_?(name)?|who|by|age|age_?(group|range)|position"
    r"|(is_?|has_?|was_?)?(in_?stock|available|active|enabled|published|verified(_?purchase)?"
    r"|archived|deleted|public|private|locked|visible|draft|edited|pinned|sponsored|featured"
    r"|images?|photos?|videos?|attachments?)"
    rf"|((num|n|nb|number_?of)_?)?({COUNTED})_?counts?|(num|n|nb|number_?of)_?({COUNTED})"
    r"|clicks|impressions)"
)
# In capitals fewer words are sure: "Key" and "Author" may be what is asked or told.
CAPITAL = re.compile(
    rf"(.*[_\-. ])?(id|ids|idx|uuid|uid|guid|url|uri|hash|date|timestamp|{GOODS})|unnamed: ?\d*"
)
FILE = re.compile(
    r"\S+\.(pdf|txt|md|rst|docx?|odt|rtf|pptx?|xlsx?|csv|tsv|jsonl?|parquet|xml|x?html?|epub|eml"
    r"|png|jpe?g|gif|webp|wav|mp[34]|zip|gz)",
    re.IGNORECASE,
)
NOT_ID = re.compile(r"^(.*(valid|solid|paid|said|avoid|fluid|grid|covid|humid|bid|aid|kid))$")


def names_an_id(name: str) -> bool:
    """Tell whether a column's name speaks for a key, a place or a date."""
    if ASIDE.fullmatch(name.lower()):
        return True
    named = ID_NAME.match(name) or CAPITAL.fullmatch(name.lower())
    return bool(named) and not NOT_ID.match(name.lower())


def are_files(values: Iterable[str]) -> bool:
    """Tell whether all values are names of files, as where a text was found."""
    known = list(values)
    return bool(known) and all(map(FILE.fullmatch, known))
