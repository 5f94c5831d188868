"""Links that show a run, a pushed model or a recipe to somebody else, and what each is good for."""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import gradio as gr

from ststudio.errors import StudioError
from ststudio.hub.origins import shared_recipe
from ststudio.hub.push import push_state
from ststudio.remote import endpoint
from ststudio.runs.run import Run
from ststudio.runs.store import get_store
from ststudio.settings import get_settings
from ststudio.signing_in import space_id
from ststudio.tabs import CLICK, explained, offered
from ststudio.tabs.documented import publish
from ststudio.tabs.session import Session, shown_run

LASTS = (
    "This link lasts: it opens the model straight from the Hub, with its report, beside its base. "
    "A private one opens for those who may read it there."
)
NOTHING = "When there is a run, the link to it is here."
SAID = "copied"  # the id of what screen readers read out
COPIED = f'<span id="{SAID}" role="status" aria-live="polite"></span>'
# Where a page may not write to the clipboard (a frame, no TLS), the old way may still do.
COPY = f"""async (link) => {{
  let words = 'Copied';
  try {{ await navigator.clipboard.writeText(link); }}
  catch {{
    const field = Object.assign(document.createElement('textarea'), {{value: link}});
    document.body.append(field); field.select();
    if (!document.execCommand('copy')) words = 'Select it, then Ctrl+C';
    field.remove();
  }}
  const said = document.querySelector('#{SAID}');
  said.textContent = '';  // or the same word, said again, would not be read out
  setTimeout(() => {{ said.textContent = words; }}, 50);
  return words;
}}"""
AGAIN = "() => new Promise((done) => setTimeout(() => done('{}'), 2500))"


def link_to(asks: str, request: gr.Request | None) -> str:
    """Return the address of this page that asks for something: `run=…`, `model=…`, `recipe=…`.

    On a Space that is the Hub's page: a private Space opens by no other.
    """
    space = space_id()
    if space is not None:
        return f"{endpoint()}/spaces/{space}?{asks}"
    headers = request.headers if request is not None else {}
    origin = headers.get("origin") or f"http://{headers.get('host') or 'localhost'}"
    return f"{origin}/?{asks}"


def kept_words(run: Run) -> str:
    """Say who sees what by a run's link, how long, and what it shows then."""
    hours = get_settings().kept_hours
    if run.opened is not None:
        return (
            "The link opens this model from the Hub, for everyone who may read it there. It lasts "
            "as long as the repository does."
        )
    seen = (
        "Whoever has this link sees the run on every tab, rows of its data included, and may "
        "search. Stop, delete and push stay with the browser that started it. "
    )
    if not run.ended:
        return f"{seen}It is kept for {hours} hours after its end."
    until = time.strftime("%d %b %Y, %H:%M UTC", time.gmtime(run.expires(hours)))
    return (
        f"{seen}It is kept until {until}; after that the link says only that the run has expired. "
        "A link that lasts is that of a pushed model."
    )


def recipe_words(run: Run) -> str:
    """Say what a shared recipe brings, and what it cannot."""
    source = run.recipe.get("source") or {}
    if source.get("kind") == "upload":
        return (
            "A recipe sets the page up for a run of one's own. This run's rows came from a file or "
            "were pasted: those are not shared, only base model, loss and settings are."
        )
    return "A recipe sets the page up for a run of one's own: data, fixes, base model, settings."


def show(session: Session, request: gr.Request | None = None) -> tuple[Any, ...]:
    """Return the links of the run that is shown, and what is to be known of them."""
    run = shown_run(session)
    hidden, visible = gr.update(visible=False), gr.update(visible=True)
    if run is None:
        return NOTHING, hidden, "", hidden, "", "", ""
    asks = f"model={run.opened['id']}" if run.opened else f"run={run.id}"
    pushed = push_state(run) or {}
    lasts = f"model={pushed['repo']}" if pushed.get("state") == "done" else ""
    return (
        kept_words(run),
        visible,
        link_to(asks, request),
        visible if lasts else hidden,
        link_to(lasts, request) if lasts else "",
        recipe_words(run),
        link_to(f"recipe={run.id}", request),
    )


@explained
def recipe(run: str) -> dict[str, Any]:
    """Return a run's recipe as it is shared: without an upload's rows, or another run's model."""
    return shared_recipe(get_store().open(run))


@explained
def download_recipe(session: Session) -> str:
    """Write the recipe of the run that is shown into a file."""
    run = shown_run(session)
    if run is None:
        raise StudioError("There is no run yet. Start one in the Fine-tune tab.")
    with tempfile.TemporaryDirectory(prefix="ststudio-") as folder:
        file = Path(folder) / "recipe.json"
        file.write_text(json.dumps(shared_recipe(run), indent=1), encoding="utf-8")
        return offered(file)


def build(session: gr.State) -> list[Any]:
    """Lay out the links with what copies them; return what `show` fills."""
    with gr.Accordion("Share", open=True, elem_id="share"):
        words = gr.Markdown(NOTHING, elem_id="share-words")
        with gr.Column(visible=False) as links:
            link = _link("Link", "Copy link", "share-link")
            with gr.Column(visible=False) as lasting:
                gr.Markdown(LASTS)
                model = _link("Link to the pushed model", "Copy model link", "model-link")
            about = gr.Markdown("", elem_id="recipe-words")
            of_recipe = _link("Link to its recipe", "Copy recipe link", "recipe-link")
            with gr.Row():
                take = gr.Button("Download recipe.json", size="sm", min_width=180, scale=0)
                file = gr.DownloadButton("recipe", elem_id="recipe-file", elem_classes="packed")
            gr.HTML(COPIED, padding=False)
    take.click(download_recipe, session, file, api_visibility="private").success(
        None, js=CLICK.format(id="recipe-file")
    )
    publish(recipe, "recipe")
    return [words, links, link, lasting, model, about, of_recipe]


def _link(label: str, copies: str, name: str) -> gr.Textbox:
    """Lay out a link that is read, and the button that copies it."""
    with gr.Row(elem_classes="to-copy"):
        link = gr.Textbox(
            label=label, interactive=False, max_lines=1, elem_id=name, scale=4, min_width=260
        )
        button = gr.Button(copies, size="sm", min_width=160, scale=0, elem_id=f"copy-{name}")
    copied = button.click(None, link, button, js=COPY)
    copied.then(None, None, button, js=AGAIN.format(copies))
    return link
