"""Languages: foreign and mixed texts are said, English ones never accused."""

import random
import subprocess
import sys

import pytest

from ststudio.data.catalog import CATALOG
from ststudio.data.doctor import Diagnosis, diagnose
from ststudio.data.languages import MULTILINGUAL_MODEL, language_shares
from ststudio.data.sources import open_source
from ststudio.data.tables import Table
from tests.data.made import REAL, REAL_SETS, table
from tests.data.seen import codes, find

# Of each language a few openings and endings that make some hundred short tickets.
PARTS = {
    "English": (
        "The printer|My account|The invoice|Our delivery|The heating|This badge|The new laptop",
        "is not working since Monday|was changed without notice|has still not arrived"
        "|cannot be opened any more|needs to be checked again",
    ),
    "German": (
        "Der Drucker|Mein Konto|Die Rechnung|Unsere Lieferung|Die Heizung|Der neue Rechner",
        "funktioniert seit Montag nicht mehr|wurde ohne Hinweis geändert|ist noch nicht angekommen"
        "|lässt sich nicht mehr öffnen|muss noch einmal geprüft werden",
    ),
    "French": (
        "L'imprimante|Mon compte|La facture|Notre livraison|Le chauffage|Le nouvel ordinateur",
        "ne marche plus depuis lundi|a été changé sans prévenir|n'est pas encore là"
        "|ne s'ouvre plus du tout|doit être vérifié encore une fois",
    ),
    "Spanish": (
        "La impresora|Mi cuenta|La factura|Nuestro pedido|La calefacción|El nuevo portátil",
        "no funciona desde el lunes|se cambió sin avisar|todavía no ha llegado"
        "|ya no se puede abrir|hay que revisarlo otra vez",
    ),
    "Russian": (
        "Принтер|Мой аккаунт|Счёт|Наш заказ|Отопление|Новый ноутбук",
        "не работает с понедельника|изменился без предупреждения|до сих пор не пришёл"
        "|больше не открывается|нужно проверить ещё раз",
    ),
    "Chinese": (
        "二楼的打印机|我的账户|上个月的发票|我们的订单|办公室的暖气|新的笔记本电脑",
        "从星期一起就不能用了|没有通知就被改了|到现在还没有到|已经打不开了|需要再检查一次",
    ),
}


def tickets(*languages: str, rows: int = 120) -> Table:
    chosen = random.Random(1)

    def text(language: str) -> str:
        starts, ends = (part.split("|") for part in PARTS[language])
        return f"{chosen.choice(starts)} {chosen.choice(ends)}, {chosen.randint(1, 99)}."

    return table(
        {"anchor": text(languages[n % len(languages)]), "positive": text(languages[0])}
        for n in range(rows)
    )


@pytest.mark.parametrize("language", [name for name in PARTS if name != "English"])
def test_foreign_texts_are_offered_a_multilingual_base(language: str) -> None:
    found = diagnose(tickets(language))
    finding = find(found, "not_english")
    assert f"{language} " in finding.message and finding.level == "warning"
    assert finding.fix is not None and finding.fix.args == {"id": MULTILINGUAL_MODEL}
    assert "mixed_languages" not in codes(found)
    assert not {"not_english", "mixed_languages"} & codes(
        diagnose(tickets(language), [finding.fix])
    )


def test_short_chinese_is_not_taken_for_japanese() -> None:
    texts = ["二楼的打印机只打印空白页。", "上个月的发票在哪里?", "包裹还没有到。"]
    assert language_shares(texts * 20) == {"zh": 1.0}


def test_mixed_languages_are_named_with_their_shares() -> None:
    found = diagnose(tickets("English", "German"))
    assert "English 7" in (said := find(found, "mixed_languages").message)
    assert "German 2" in said
    assert "not_english" not in codes(found)
    again = diagnose(tickets("English", "German"), [find(found, "mixed_languages").fix or {}])
    assert find(again, "mixed_languages").level == "info"
    assert find(again, "mixed_languages").fix is None


def quiet(found: Diagnosis) -> bool:
    return not {"not_english", "mixed_languages", "markup"} & codes(found)


@pytest.mark.parametrize("entry", [e for e in CATALOG if e.origin == "builtin"], ids=lambda e: e.id)
def test_the_sample_raises_no_false_alarm(entry: object) -> None:
    assert quiet(diagnose(open_source(entry.source)))  # type: ignore[attr-defined]


@pytest.mark.skipif(not REAL, reason="STSTUDIO_REAL_DATA names no folder")
@pytest.mark.parametrize("name", REAL_SETS)
def test_real_english_raises_no_false_alarm(name: str) -> None:
    assert quiet(diagnose(REAL_SETS[name]()))


@pytest.mark.parametrize("texts", [[], ["4711-AB/9 0x3f"] * 300, ["\n\r\u2028" * 9] * 99])
def test_what_is_no_language_has_none(texts: list[str]) -> None:
    assert language_shares(texts) == {}


def test_the_identifier_brings_neither_torch_nor_network() -> None:
    code = (
        "import socket, sys; socket.socket.connect = None\n"
        "from ststudio.data.languages import language_shares\n"
        "assert language_shares(['Where can I find the invoice of last month?'] * 30)['en'] == 1\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
