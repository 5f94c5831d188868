"""What is searched, and which two models stand side by side: the run's own, or any other."""

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from ststudio.compare.embedding import get_embedder
from ststudio.compare.scope import Scope, compared, embedding
from ststudio.compare.sides import BASE, TUNED
from ststudio.errors import StudioError
from ststudio.runs.model_facts import EARLIER_RUN
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.settings import get_settings
from ststudio.tabs import POLLED, QUIET, REVISED, adding, explained
from ststudio.tabs.adding import OWN_TEXTS
from ststudio.tabs.documented import publish
from ststudio.tabs.progress import bar
from ststudio.tabs.session import Session
from ststudio.tabs.visitor import visitor_token

OWN_MODELS = (("This run's base", BASE), ("This run's fine-tuned", TUNED))
SAYS = {
    "waiting": "Waiting for its turn to embed",
    "running": "Embedding",
    "stopped": "Cancelled; what is done is searched",
    "failed": "Broken off",
    "none": "Not embedded",
}


@dataclass(frozen=True)
class Chosen:
    """What the page searches: texts, two models, and which hits it shows."""

    corpus: str | None = None
    left: str = BASE
    right: str = TUNED
    titles: tuple[str, str] = ("Base", "Fine-tuned")
    kinds: tuple[str, str] = ("base", "tuned")  # how each is coloured
    contains: str = ""
    group: str = ""
    min_score: float = 0.0
    relevant: bool = False

    @property
    def scope(self) -> Scope:
        """Return it as /search takes it; classes and answers are known of a run's own texts."""
        own = self.corpus is None
        return Scope(
            self.corpus,
            self.left,
            self.right,
            contains=self.contains,
            group=self.group if own else "",
            relevant=self.relevant and own,
            min_score=self.min_score or None,
        )


OWN = Chosen()


@explained
def embed_corpus(
    run: str, scope: dict[str, Any] | None = None, request: gr.Request | None = None
) -> dict[str, Any]:
    """Embed what a scope names by its two models; say where that stands."""
    opened_run, wanted = get_store().open(run), Scope.from_json(scope)
    return _standing(opened_run, wanted, visitor_token(request), begin=True)


@explained
def embedding_state(
    run: str, scope: dict[str, Any] | None = None, request: gr.Request | None = None
) -> dict[str, Any]:
    """Say how many of the texts of a scope its two models have embedded."""
    opened_run, wanted = get_store().open(run), Scope.from_json(scope)
    return _standing(opened_run, wanted, visitor_token(request))


@explained
def stop_embedding(
    run: str, scope: dict[str, Any] | None = None, request: gr.Request | None = None
) -> dict[str, Any]:
    """Cancel embedding; what was done is kept and searched."""
    opened_run, wanted, token = (
        get_store().open(run),
        Scope.from_json(scope),
        visitor_token(request),
    )
    _stop(opened_run, wanted, token)
    return _standing(opened_run, wanted, token)


def _standing(run: Run, scope: Scope, token: str | None, begin: bool = False) -> dict[str, Any]:
    """Return {state, done, total, reason} of what the two models embed of the texts."""
    corpus, sides = compared(run, scope, token)
    wanted = embedding(scope, sides)
    if not wanted:
        return {"state": "finished", "done": corpus.size, "total": corpus.size, "reason": None}
    if begin:
        get_embedder().start(corpus, wanted)
    return get_embedder().state(corpus, wanted)


def _stop(run: Run, scope: Scope, token: str | None) -> None:
    corpus, sides = compared(run, scope, token)
    get_embedder().stop(corpus, embedding(scope, sides))


@explained
def choose(
    session: Session,
    chosen: Chosen,
    corpus: str | None,
    left: str,
    right: str,
    request: gr.Request | None = None,
) -> tuple[Any, ...]:
    """Take other texts or models, and begin to embed what they lack."""
    texts = None if corpus in (None, OWN_TEXTS) else corpus
    same = (texts, left, right) == (chosen.corpus, chosen.left, chosen.right)
    if session.run is None or same:  # the dropdowns were only filled for another run
        return tuple(gr.skip() for _ in range(5))
    run, token = get_store().open(session.run), visitor_token(request)
    wanted = replace(chosen, corpus=texts, left=left, right=right)
    _, (one, other) = compared(run, wanted.scope, token)
    now = replace(wanted, titles=(one.title, other.title), kinds=(one.colour, other.colour))
    return now, *_said(_standing(run, now.scope, token, begin=True))


def _said(state: dict[str, Any]) -> tuple[Any, ...]:
    """Return line and bar, whether it can be cancelled or gone on with, whether to look again."""
    active = state["state"] in ("waiting", "running")
    if state["state"] == "finished":
        return "", *_buttons(False, False), gr.Timer(active=False)
    words = f"{SAYS[state['state']]}: {state['done']:,} of {state['total']:,} texts"
    words += f". {state['reason']}" if state["reason"] else ""
    share = state["done"] / state["total"]
    return bar(words, share), *_buttons(active, not active), gr.Timer(active=active)


def _buttons(cancel: bool, go_on: bool) -> tuple[Any, Any]:
    return gr.update(visible=cancel), gr.update(visible=go_on)


def look_again(
    session: Session, chosen: Chosen, request: gr.Request | None = None
) -> tuple[Any, ...]:
    """Show how far embedding has come."""
    try:
        run = get_store().open(session.run or "")
        return _said(_standing(run, chosen.scope, visitor_token(request)))
    except StudioError as error:
        return bar(str(error), 0.0), *_buttons(False, True), gr.Timer(active=False)


@explained
def cancel(session: Session, chosen: Chosen, request: gr.Request | None = None) -> tuple[Any, ...]:
    """Cancel embedding."""
    run, token = get_store().open(session.run or ""), visitor_token(request)
    _stop(run, chosen.scope, token)
    return _said(_standing(run, chosen.scope, token))


@explained
def go_on(session: Session, chosen: Chosen, request: gr.Request | None = None) -> tuple[Any, ...]:
    """Embed what is left."""
    run, token = get_store().open(session.run or ""), visitor_token(request)
    return _said(_standing(run, chosen.scope, token, begin=True))


def models_of(session: Session) -> list[tuple[str, str]]:
    """Return the models that can be picked: the run's own, and those of this browser's runs."""
    found = list(OWN_MODELS)
    for known in session.runs:
        if known["run"] != session.run and Run(get_store().folder / known["run"]).has_model:
            title = f"{known['title']}, run {known['run'][:6]}"
            found.append((title, f"{EARLIER_RUN}{known['run']}"))
    return found


def offer(session: Session) -> tuple[Any, Any]:
    """Offer the models of this browser's runs."""
    choices = gr.update(choices=models_of(session))
    return choices, choices


def opened(run: Run | None) -> tuple[Any, ...]:
    """Return what is chosen when another run is opened: its own texts and models."""
    closed = *_buttons(False, False), gr.Timer(active=False)
    return OWN, OWN_TEXTS, BASE, TUNED, "", *closed, gr.Accordion(open=_only_others(run))


def _only_others(run: Run | None) -> bool:
    """Tell whether there are no texts to search but those that one adds."""
    return run is not None and not run.has_texts


def build(session: gr.State, chosen: gr.State) -> tuple[gr.HTML, list[gr.components.Component]]:
    """Lay out the choice and wire it; return what changes while texts are embedded."""
    limit = get_settings().corpus_texts
    with gr.Accordion("Other texts, other models", open=False, elem_id="scope") as whole:
        with gr.Row():
            left, right = (
                gr.Dropdown(
                    list(OWN_MODELS),
                    value=value,
                    label=label,
                    info="Of this or another run (run:<id>), or any model's id on the Hub.",
                    allow_custom_value=True,
                    min_width=260,
                    elem_id=f"{label.lower()}-model",
                )
                for label, value in (("Left", BASE), ("Right", TUNED))
            )
        corpus = gr.Dropdown(
            [("This run's texts", OWN_TEXTS)],
            value=OWN_TEXTS,
            label="Search in",
            info=f"Add up to {limit:,} texts of your own below; both models embed them once.",
            elem_id="corpus",
            **REVISED,
        )
        progress = gr.HTML("", elem_id="embedding")
        stop = gr.Button("Cancel", variant="stop", visible=False, elem_id="cancel-embedding")
        rest = gr.Button("Embed the rest", visible=False, elem_id="go-on-embedding")
        adding.build(corpus)
    timer = gr.Timer(1.0, active=False)
    shown = [progress, stop, rest, timer]
    for trigger in (left.input, right.input, corpus.change):
        trigger(
            choose,
            [session, chosen, corpus, left, right],
            [chosen, *shown],
            api_visibility="private",
        )
    timer.tick(look_again, [session, chosen], shown, **POLLED)
    stop.click(cancel, [session, chosen], shown, api_visibility="private")
    rest.click(go_on, [session, chosen], shown, api_visibility="private")
    whole.expand(offer, session, [left, right], **QUIET)
    for handler in (embed_corpus, embedding_state, stop_embedding):
        publish(handler, handler.__name__)
    return progress, [chosen, corpus, left, right, *shown, whole]
