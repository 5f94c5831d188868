"""The names that people give to columns, and the role that each speaks for."""

import re
import unicodedata
from functools import lru_cache
from itertools import zip_longest

# Strength of a name, 0 to 1: 1 names the role, 0.5 could well be it, 0.3 leans that way.
# Names are compared without case, separators and prefixes ("set.Hard-Negative" → "hardnegative").
_NAMES: dict[str, dict[float, str]] = {
    "anchor": {
        1.0: "anker ancre ancla ancora pytanie soru otazka fraga sporgsmal kysymys kerdes "
        "intrebare pitanje anchor anchors query queries question questions claim frage "
        "pregunta domanda vraag вопрос запрос 问题 問題 質問 질문 سؤال प्रश्न 查询 查詢",
        0.8: "q search searchquery searchterm searchphrase prompt instruction input source src "
        "problem post ticket docstring anfrage suchanfrage suchbegriff requête consulta richiesta "
        "zapytanie",
        0.5: "a sent0 sentence title headline topic keyword keywords sentence1 text1 question1 "
        "original complex term subject text titel titre titulo name utterance message summary "
        "highlights heading",
    },
    "positive": {
        1.0: "positiv positif positivo positive positives pos positivepassages positivectxs "
        "positive1 pos1 正例",
        0.95: "odpowiedz odpowiedź cevap odpoved svar vastaus valasz raspuns odgovor antworten "
        "reponses responses passagetext answer answers response passage passages context contexts "
        "document documents dokument documento doc reply antwort reponse respuesta risposta "
        "antwoord ответ 答案 回答 答え 답변 답 جواب उत्तर 答复",
        0.8: "output target tgt completion chosen relevant similar paraphrase compressed "
        "simplified simple groundtruth corpus solution answertext answerstext bestanswer abstract "
        "resolution article correct treffer richtig richtige pertinent pertinente relevante "
        "proche cercano cercana vicino vicina ahnlich "
        "correcto correcta corretto corretta correto juist верный правильный 正确答案 正解 정답",
        0.5: "body content description summary text article definition translation sentence2 text2 "
        "question2 selftext p b d sent1 code match duplicate sentence details paragraph "
        "paraphrases captions synonyms snippet snippets sql",
    },
    "negative": {
        1.0: "negative negatives neg negs hardnegative hardnegatives negativepassages "
        "hardnegativectxs negative1 neg1 negativ negatif negativo hardneg hardnegative1 negatifs "
        "negativos negativas negativi negativen negatieve",
        0.8: "eloigne eloignee lejano lejana lontano lontana entfernt distant "
        "distractor distractors rejected irrelevant nonrelevant wrong incorrect unrelated "
        "dissimilar different bad worse falsch falsche falscher falsches contrast gegenbeispiel "
        "contraejemplo unpassend unpassende irrelevante faux fausse incorrecte mauvais mauvaise "
        "incorrecto incorrecta errado errada errato errata sbagliato sbagliata scorretto scorretta "
        "fout foute onjuist verkeerd felaktig felaktigt forkert feil väärä rossz hibás błędny "
        "błędna zły zła niepoprawna špatný špatná chybná yanlış greșit greșită pogrešan неверный "
        "неправильный нерелевантный 负例 負例 错误答案 不相关 誤答 不正解 오답 ネガティブ خاطئ गलत",
        0.5: "n sentence3 text3 sent3 s3 passage3",
    },
    "sentence1": {
        1.0: "satza sentence1text zdanie1 cumle1 mening1 clause1 sentence1 text1 question1 sent1 "
        "s1 sentencea texta senta sentence0 text0 satz1 phrase1 frase1 oracion1 q1 string1 "
        "caption1 seq1 zin1 str1 texte1 sentence01 предложение1 句子1 文1 문장1",
        0.7: "first left a source query anchor original question sentence text reference",
        0.5: "claim input term src utterance premise",
    },
    "sentence2": {
        1.0: "satzb zdanie2 cumle2 mening2 clause2 sentence2 text2 question2 sent2 s2 sentenceb "
        "textb sentb satz2 phrase2 frase2 oracion2 q2 string2 caption2 seq2 zin2 str2 texte2 "
        "sentence02 предложение2 句子2 文2 문장2",
        0.7: "second right b target passage positive paraphrase answer document candidate context "
        "response other translation comparison",
        0.5: "doc output tgt text hypothesis",
    },
    "premise": {
        1.0: "premise premises premisse premissa premisa premessa pramisse",
        0.8: "evidence sentence1",
        0.5: "text1 context",
    },
    "hypothesis": {
        1.0: "hypothesis hypotheses hypothese hipotesis hipotese ipotesi claim",
        0.8: "sentence2",
        0.5: "text2 conclusion statement",
    },
    "text": {
        1.0: "patterns metin teksti szoveg zdanie veta mening nachricht bericht text texts "
        "sentence sentences utterance utterances dokument documento document content text texte "
        "texto testo tekst satz phrase selftext текст 文本 テキスト 本文 텍스트 نص पाठ 内容 句子 "
        "文 сообщение",
        0.8: "utt message comment review question query post tweet body description input headline "
        "title doc abstract request ticket verbatim feedback transcript mail email sms anfrage "
        "consulta richiesta",
    },
    "class": {
        1.0: "kategoria etiket kategori stitek luokka cimke etichete oznaka categorias rubrik "
        "rubrique intentie intention abteilung afdeling label labels class classes category "
        "categories intent topic goldlabel klasse kategorie categoria categorie etiqueta "
        "etiquette etichetta classe labeltext labelname метка категория класс 标签 標籤 类别 "
        "類別 分类 ラベル カテゴリ カテゴリー 라벨 카테고리 تصنيف लेबल",
        0.9: "specialty speciality fachgebiet fachrichtung specialite especialidad specialita "
        "urteil verdict coarselabel finelabel isduplicate sentiment target tag type intention "
        "emotion domain y labelid classid labelcoarse labelfine level1 level2 thema tema "
        "isparaphrase",
        0.6: "rating rel stars gold group similar issimilar match ismatch relation relevance "
        "relevant duplicate paraphrase subject department team cluster entailment judgment "
        "judgement correct product area section queue score quality result overall genre language "
        "lang etoiles sterne estrellas stelle sterren bewertung nota calificacion valutazione "
        "beoordeling relazione relacion relacao relatie",
        0.3: "prio priority prioritat priorite prioridad severity urgency dringlichkeit",
    },
    "score": {
        1.0: "podobienstwo wynik benzerlik puan likhet podobnost pisteet hasonlosag scor score "
        "scores similarity similarityscore sim simscore relatedness relatednessscore "
        "goldscore humanscore mos wert aehnlichkeit similarite similitud punktzahl puntuacion "
        "puntaje similitude stsscore cosinesimilarity meanscore note punteggio оценка "
        "сходство 相似度 得分 スコア 類似度 점수 유사도 ähnlichkeit",
        0.6: "rating label labels gold value target y annotation judgment judgement relevance "
        "grade avg average averagescore mean degree percent percentage confidence overall",
    },
}


INVENTED = re.compile(r"column_?\d+")  # by us, where a file has no names
WORDS = re.compile(r"\d+|[A-ZÀ-Þ]?[^\W\d_A-ZÀ-Þ]+|[A-ZÀ-Þ]+")
ORDINALS = frozenset(
    tuple(pair.split("/"))
    for pair in (
        "1/2 0/1 a/b i/ii x/y one/two first/second left/right eins/zwei erste/zweite "
        "erster/zweiter erstes/zweites un/deux premier/deuxieme premiere/deuxieme uno/dos "
        "una/dos primera/segunda primero/segundo primo/secondo prima/seconda um/dois "
        "primeiro/segundo primeira/segunda een/twee eerste/tweede"
    ).split()
)


def _bare(name: str) -> str:
    """Return a name in small letters without accents and separators: "Réponse" is "reponse"."""
    parts = unicodedata.normalize("NFKD", name.lower())
    return re.sub(r"[\W_]+", "", "".join(c for c in parts if not unicodedata.combining(c)))


_HINTS = {
    role: {_bare(name): strength for strength, names in by.items() for name in names.split()}
    for role, by in ((role, dict(sorted(by.items()))) for role, by in _NAMES.items())
}
for _role, _pair in (("premise", "sentence1"), ("hypothesis", "sentence2")):
    # Two sentences are a premise and a hypothesis, too, where a label says what follows.
    _HINTS[_role] = {n: 0.8 for n, s in _HINTS[_pair].items() if s == 1.0} | _HINTS[_role]


TEXT_ROLES = ("anchor", "positive", "negative", "sentence1", "sentence2", "premise", "hypothesis")


def names_a_role(name: str) -> bool:
    """Tell whether a whole name, not only a part of it, speaks for any role; "text 2" does."""
    whole = plain(name)
    unnumbered = re.sub(r"(?<=\D)\d{1,2}$", "", whole)
    spoken = (names.get(one, 0.0) for names in _HINTS.values() for one in (whole, unnumbered))
    return max(spoken) >= 0.8


def names_a_text(name: str) -> bool:
    """Tell whether a column's name speaks for a role that holds texts."""
    return any(hint(role, name) >= 0.8 for role in (*TEXT_ROLES, "text"))


def twins(one: str, other: str) -> bool:
    """Tell whether two names differ only in saying the first and the second."""
    names = [[_bare(word) for word in WORDS.findall(name)] for name in (one, other)]
    differing = [pair for pair in zip_longest(*names) if pair[0] != pair[1]]
    invented = names[0][:1] == ["column"]  # by us or by a spreadsheet: it says nothing
    return len(differing) == 1 and differing[0] in ORDINALS and not invented


def tells_a_relation(name: str) -> bool:
    """Tell whether a label's name says how two texts relate."""
    return any(_bare(word) in RELATIONS for word in WORDS.findall(name))


def are_translations(one: str, other: str) -> bool:
    """Tell whether two names are those of languages, as "en" and "de" are."""
    return one != other and {plain(one), plain(other)} <= LANGUAGES


def plain(name: str) -> str:
    """Return a name without its path, case and separators."""
    path = name.strip().lower().split(".")
    last = path[-2] if len(path) > 1 and path[-1].isdigit() else path[-1]
    return _bare(last)


ASKED = {"sentence1": "anchor", "sentence2": "positive"}
LANGUAGES = frozenset(
    "ar bg bn ca cs da de el en es et eu fa fi fr gl he hi hr hu id it ja ka ko lt lv mk ms nb nl "
    "nn no pl pt ro ru sk sl sq sr sv sw ta te th tr uk ur vi zh eng deu ger fra fre spa ita por "
    "nld pol rus zho jpn kor ara hin english german french spanish italian portuguese dutch polish "
    "russian chinese japanese korean arabic hindi turkish deutsch francais espanol italiano".split()
)
RELATIONS = frozenset(
    "relevance relevant match matches matching duplicate duplicates similar similarity paraphrase "
    "entailment related relatedness correct relevanz pertinence pertinent relevancia relevante "
    "rilevanza relevantie passend dublette doublon duplikat".split()
)
HOLDERS = frozenset("text content value body".split())
TITLES = frozenset("title titel titre titulo titolo heading headline".split())
NOT = frozenset("not non no kein keine nicht pas aucun sin ningun niet geen nie ne не".split())


@lru_cache(4_096)  # every order of the columns asks again
def hint(role: str, name: str) -> float:
    """Return how strongly a column's name speaks for a role, 0 to 1."""
    names = _HINTS[role]
    parent, _, last = name.rpartition(".")
    known = any(plain(parent) in hints for hints in _HINTS.values()) and parent[:1] != "_"
    if last.lower() in HOLDERS and known:
        name = parent  # "positives.text" is what "positives" says
    words = [word for word in re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name) if word]
    if role == "positive" and hint("negative", name) > 0.5:
        return 0.0  # "wrong answer", "nicht relevant"
    if role == "negative" and _turns_round(words):
        return 0.8
    # "customer_question" speaks for what "question" does, a little less surely.
    parts = [0.7 * names.get(_bare(word), 0.0) for word in words]
    if words and role in ("anchor", "positive"):
        parts.append(0.85 * names.get(_bare(words[-1]), 0.0))  # an "ideal answer" is an answer
    # A query and a document are two texts to compare, too, where a label says how they relate.
    parts.append(0.7 * hint(ASKED[role], name) if role in ASKED else 0.0)
    if role == "negative":
        parts.append(names.get(plain(name).rstrip("0123456789"), 0.0))  # "distractor2"
    return max([names.get(plain(name), 0.0), names.get(_bare(name), 0.0), *parts])


def names_a_title(name: str) -> bool:
    """Tell whether a name says that texts are titles, of documents or of anything else."""
    words = [_bare(word) for word in WORDS.findall(name)]
    return bool(words) and words[-1] in TITLES


def _turns_round(words: list[str]) -> bool:
    """Tell whether a name says "not" of what belongs together, as "no match" does."""
    bare = [_bare(word) for word in words]
    place = next((place for place, word in enumerate(bare) if word in NOT), len(bare))
    return any(_HINTS["positive"].get(word, 0.0) >= 0.5 for word in bare[place + 1 :])


def may_be_negative(name: str, positive: str) -> bool:
    """Tell whether a third text is called a negative, or nothing, or stands beside a "positive"."""
    if are_translations(name, positive):
        return False
    if hint("negative", name) >= 0.3 or len(name) < 3 or INVENTED.fullmatch(name):
        return True
    named = any(hint(role, name) >= 0.5 for role in (*TEXT_ROLES, "text"))
    return plain(positive).startswith("pos") and not named
