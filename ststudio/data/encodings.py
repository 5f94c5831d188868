"""Bytes into text: the encoding found, and said where it was assumed."""

import codecs
import re
from collections import Counter
from collections.abc import Mapping

from charset_normalizer import from_bytes

from ststudio.errors import StudioError

# The longer marks first: UTF-32's begins with UTF-16's.
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# What spreadsheets and databases of the last thirty years wrote. The western ones come first and
# win a draw: on short texts the detector cannot tell them from their neighbours.
CANDIDATES = [
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "koi8_r",
    "shift_jis",
    "euc_jp",
    "euc_kr",
    "gb18030",
    "big5",
    "mac_roman",
]
ENCODINGS = ("utf-8", "utf-16", *CANDIDATES)  # what a person may decide on
KANA = "".join(map(chr, range(0x3041, 0x30FF)))
# The letters beyond ASCII of the languages that each was used for, the likelier encoding first.
ALPHABETS = {
    "cp1252": "äöüß àâæçèéêëîïôùûüœÿ áéíóúüñºª àáâãçéêíóôõúºª àèéìíòóù äåéöæø áæéíðóöúýþ éèëïóöüĳ",
    "cp1250": "ąćęłńóśźż áčďéěíňóřšťúůýž áäčďéíľĺňóôŕšťúýž áéíóöőúüű ăâîşţșț čćđšž",
    "cp1254": "çğıöşüâîû\u0307",
    "mac_roman": "äöüß àâæçèéêëîïôùûüœÿ áéíóúüñºª",
}
# The commonest letters of other scripts.
COMMON = {
    "cp1251": "оеаинтсрвлкмдпуя",
    "koi8_r": "оеаинтсрвлкмдпуя",
    "cp1253": "αοιετσνρηυπκμλςά",
    "cp1255": "יוהלאתרמבשנדםכעק",
    "cp1256": "اليمنرتبوةعدسفهك",
}
# … and of those that take several bytes each.
WIDE = {
    "shift_jis": KANA,
    "euc_jp": KANA,
    "euc_kr": (
        "이다는의에을를은가하고지한로기도자사리시인어나아서대그해있수들라일게"
        "만정보전부장주제과여면당요없것니습"
    ),
    "gb18030": (
        "的一是不了在人有我他这为大来以个中上们到说国和地也子时道出要于就下得可你年生会那"
        "后能对着事其里所去行过家十用发天如然作方成者多日都三小军二无同么经法当起与好看学"
        "进种将还分此心前面又定见只主没公从什怎请"
    ),
    "big5": (
        "的一是不了在人有我他這為大來以個中上們到說國和地也子時道出要於就下得可你年生會那"
        "後能對著事其裡所去行過家十用發天如然作方成者多日都三小軍二無同麼經法當起與好看學"
        "進種將還分此心前面又定見只主沒公從什怎請"
    ),
}
MARKS_TOO = frozenset("“”‘’‚„«»‹›–—…•·°§€£©®™´¨¿¡\u00a0\u00ad")  # in texts of any language
AMONG_PLAIN = re.compile(rb"(?<=[A-Za-z])[\x80-\xff]|[\x80-\xff](?=[A-Za-z])")
LOOKED_AT = 200_000  # bytes
CONTROLS = bytes(range(9)) + bytes(range(14, 27)) + bytes(range(28, 32)) + b"\x7f"
MOST_CONTROLS = 0.002  # share of bytes; above it, this is no text
FEW_ACCENTS = 0.05  # of all bytes: Chinese and its like have many more
FEW_DAMAGED = 0.05  # of the characters beyond ASCII


def decode(
    data: bytes, name: str, cut: bool = False, decided: str | None = None
) -> tuple[str, str]:
    """Return the text and a sentence on what was assumed, if anything; raise StudioError.

    With `cut`, the data may end in the middle of a character.
    """
    if decided is not None:
        return _whole(data, decided, cut).removeprefix("\ufeff"), ""
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            return _whole(data[len(mark) :], encoding, cut), ""
    text = _try_utf8(data, cut)
    if text is not None and text.count("\x00") <= MOST_CONTROLS * len(text):
        return text, ""
    encoding = _wide(data[:LOOKED_AT])
    if not encoding:
        _refuse_binary(data[:LOOKED_AT], name)
        encoding = _mostly_utf8(data) or _detect(data[:LOOKED_AT])
    sentence = f"{name} was read as {encoding.upper()}, which it does not say itself."
    return _whole(data, encoding, cut), sentence


def _whole(data: bytes, encoding: str, cut: bool) -> str:
    return codecs.getincrementaldecoder(encoding)("replace").decode(data, final=not cut)


def _try_utf8(data: bytes, cut: bool) -> str | None:
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data, final=not cut)
    except UnicodeDecodeError:
        return None


def _wide(sample: bytes) -> str:
    """Recognise UTF-16 without a mark by where its zero bytes stand."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    if odd > 0.3 * half and even < 0.02 * half:
        return "utf-16-le"
    if even > 0.3 * half and odd < 0.02 * half:
        return "utf-16-be"
    return ""


def _refuse_binary(sample: bytes, name: str) -> None:
    controls = len(sample) - len(sample.translate(None, CONTROLS))
    if controls > MOST_CONTROLS * len(sample) or b"\x00" in sample:
        raise StudioError(
            f"{name} holds no text that can be read. Save it as CSV (UTF-8), JSONL or Parquet."
        )


def _mostly_utf8(data: bytes) -> str:
    """Recognise UTF-8 in which a few characters are damaged."""
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    return "utf-8" if beyond > damaged and damaged <= FEW_DAMAGED * beyond else ""


def _detect(sample: bytes) -> str:
    best = from_bytes(sample, cp_isolation=CANDIDATES).best()
    if best is None or best.encoding in ALPHABETS:
        return _likeliest(sample, ALPHABETS)
    # Accents stand among plain letters; the letters of other scripts stand among themselves.
    beyond = sum(byte > 0x7F for byte in sample)
    accents = len(AMONG_PLAIN.findall(sample)) > 0.3 * beyond
    if best.encoding in WIDE and not (accents and beyond < FEW_ACCENTS * len(sample)):
        return _likeliest(sample, WIDE)
    return _likeliest(sample, ALPHABETS if accents else COMMON)


def _likeliest(sample: bytes, letters: Mapping[str, str]) -> str:
    """Return the encoding in which one language's letters make up the most of the text."""
    shares = {}
    for encoding, languages in letters.items():
        text = sample.decode(encoding, "replace")
        text = text.lower() if letters is ALPHABETS else text  # a wrong one mixes up the cases
        beyond = Counter(letter for letter in text if letter > "\x7f" and letter not in MARKS_TOO)
        many = max(1, beyond.total())
        shares[encoding] = max(
            sum(beyond[letter] for letter in language) / many for language in languages.split()
        )
    return max(shares, key=lambda encoding: shares[encoding])  # the first of those that fit alike
