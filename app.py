"""Start ST Studio."""

import spaces  # noqa: F401  first: on ZeroGPU it must see torch before anyone else does
from starlette.middleware import Middleware

from ststudio.compare.encoder import get_encoder
from ststudio.data.benchmark import fetch_benchmark_soon
from ststudio.guard import Guard
from ststudio.hub.account import owner_token
from ststudio.runs.queue import get_queue
from ststudio.runs.run import GENERAL
from ststudio.settings import get_settings
from ststudio.tabs.styles import CSS, theme
from ststudio.ui import build_ui

if __name__ == "__main__":
    settings = get_settings()
    owner_token()  # takes HF_TOKEN out of the environment before anything else runs
    get_queue()
    fetch_benchmark_soon(settings.folder / "runs" / GENERAL)
    page = build_ui()
    get_encoder().start()  # after the page is built: its imports ask for the same few cores
    page.launch(
        server_name=settings.host,
        theme=theme(),
        css=CSS,
        max_file_size=settings.upload_bytes,
        run_history=False,
        enable_monitoring=False,
        # One or two MB a page that is open, or was until a while ago; calls of the API leave none.
        state_session_capacity=200,
        ssr_mode=False,
        app_kwargs={"middleware": [Middleware(Guard, upload_bytes=settings.upload_bytes)]},
    )
