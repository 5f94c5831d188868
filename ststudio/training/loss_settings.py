"""The settings that losses take: what each may be, what it is for, and what suits the model."""

from ststudio.errors import StudioError
from ststudio.shelf import DEFAULT_MODEL
from ststudio.training.rules import MODEL, Setting, choice, number

GUIDE = "guide"  # the setting that names a second model, which is fetched as the base is
COSINE, EUCLIDEAN = "cosine", "euclidean"
FARTHEST = 2.0  # distance of two vectors of length 1
NEAR_MARGIN = 0.5
FAR_MARGIN = 5.0  # the library's own default, for vectors of any length


def _named(*settings: Setting) -> dict[str, Setting]:
    return {setting.name: setting for setting in settings}


SCALE = _named(
    Setting(
        "scale",
        20.0,
        number(0.01, 1_000),
        "Scale",
        "How sharply close and less close texts are told apart: 1 / temperature.",
    )
)
DISTANCE = _named(
    choice(
        "distance",
        (COSINE, EUCLIDEAN),
        "Distance",
        "Searches go by cosine; Euclidean is the library's own default.",
    )
)
MINI_BATCH = _named(
    Setting(
        "mini_batch_size",
        32,
        number(1, 1024, whole=True),
        "Mini batch",
        "Texts embedded at a time, to save memory.",
    )
)
GUIDED = _named(
    Setting(
        GUIDE,
        DEFAULT_MODEL,
        MODEL,
        "Guide model",
        "Another model, which says which texts of a batch are no wrong answers after all.",
    ),
    Setting(
        "temperature", 0.05, number(0.001, 10), "Temperature", "The lower, the sharper: 1 / scale."
    ),
    Setting(
        "margin",
        0.0,
        number(-1, 1),
        "Margin",
        "A text is no wrong answer where the guide finds it this close to the right one.",
    ),
    choice(
        "margin_strategy",
        ("absolute", "relative"),
        "Margin is",
        "Taken off the guide's cosine, or a share of it.",
    ),
)
# TripletLoss and the BatchHard family default to Euclidean distance with a margin of 5, which a
# model that normalises can never reach, and which is not what a search goes by: cosine here.
COSINE_MARGIN = DISTANCE | _named(
    Setting(
        "margin",
        0.3,
        number(0, 100),
        "Margin",
        "How much closer a text of the same kind is to be.",
    )
)
CONTRAST_MARGIN = _named(
    Setting(
        "margin", 0.5, number(0.01, 2), "Margin", "How far apart 0 pairs are to be: 1 − cosine."
    )
)


def euclidean_margin(loss: str, given: float | None, normalises: bool) -> float:
    """Return a margin of Euclidean distance that vectors like the model's can reach."""
    if given is None:
        return NEAR_MARGIN if normalises else FAR_MARGIN
    if normalises and given >= FARTHEST:
        raise StudioError(
            f"{loss}: this model's vectors have length 1, so no two are more than {FARTHEST:g} "
            f"apart, and a margin of {given:g} can never be met. Use a margin from 0.1 to 1."
        )
    return float(given)
