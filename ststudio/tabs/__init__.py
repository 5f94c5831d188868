"""The screen: one module a tab, each with build() and plain handlers."""

import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import gradio as gr
from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

from ststudio.errors import StudioError

P = ParamSpec("P")
T = TypeVar("T")

# For handlers that only show what is so: no entry in the API's page, no spinner, no waiting.
QUIET: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "concurrency_limit": None,
}
# And that a timer asks again: outside of the queue each is one request of its own, so that an
# answer lost on its way (a laptop asleep, a proxy) holds up none of the next.
POLLED: dict[str, Any] = QUIET | {"queue": False}

# For a choice that the page itself changes while handlers are on their way with the old one: what
# was chosen is checked by them, not by Gradio, whose word for it would be an error on the page.
REVISED: dict[str, Any] = {"allow_custom_value": True}

# What a button has packed is downloaded by a second, hidden one: it needs the file at its click.
CLICK = "() => document.querySelector('#{id}').click()"

log = logging.getLogger("ststudio")


def offered(file: Path) -> str:
    """Copy a file to where Gradio may serve it from, as our own folder is closed to it."""
    return str(save_file_to_cache(file, get_upload_folder()))


def explained(handler: Callable[P, T]) -> Callable[P, T]:
    """Let a StudioError's sentence reach the visitor, and no other error's text."""

    @wraps(handler)
    def inner(*args: P.args, **kwargs: P.kwargs) -> T:
        with _told(handler.__name__):
            return handler(*args, **kwargs)

    @wraps(handler)
    def stepwise(*args: P.args, **kwargs: P.kwargs) -> Iterator[Any]:
        with _told(handler.__name__):
            yield from handler(*args, **kwargs)  # type: ignore[misc]

    return stepwise if inspect.isgeneratorfunction(handler) else inner  # type: ignore[return-value]


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except StudioError as error:
        raise gr.Error(str(error), duration=15, print_exception=False) from None
    except gr.Error:
        raise
    except Exception as error:
        log.exception("%s failed", name)
        raise gr.Error(
            f"Something went wrong here ({type(error).__name__}). Nothing of yours is lost; "
            "please try again, and tell us if it stays."
        ) from None
