"""The page as Gradio holds it, its blocks described once instead of anew for every session."""

import sys
import time
from datetime import datetime, timedelta
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.blocks import Block, BlocksConfig
from gradio.renderable import Renderable
from gradio.state_holder import SessionState

LOOK_SECONDS = 0.004  # between two looks for events: what an event may wait
PROGRESS_SECONDS = 0.1  # between two looks at gr.Progress
CLOSED_MINUTES = (
    15  # that the session of a page that was closed is kept: it may only have lost the net
)
SWEEP_SECONDS = 60


class Settled(dict[str, Any]):
    """Properties that sessions share: what one writes into them is not kept.

    Gradio keeps each session's values there for deep links, which this page has none of.
    """

    def __setitem__(self, name: str, value: Any) -> None:  # noqa: ANN401
        """Keep what was there."""


class Described(BlocksConfig):
    """A session's blocks, whose descriptions all sessions share.

    Every call of the API without a session is one, and Gradio describes all blocks for it: of
    350, that took 20 of the 30 ms that an empty endpoint costs, and a third of a megabyte.
    """

    def __init__(self, page: gr.Blocks, known: dict[int, tuple[Block, dict[str, Any]]]) -> None:
        super().__init__(page)
        self.known = known

    def config_for_block(  # type: ignore[override]  # the library's is static, and knows no page
        self,
        _id: int,
        rendered_ids: list[int],
        block: Block,
        renderable: Renderable | None = None,
    ) -> dict[str, Any]:
        """Describe a block; one that the page was built with as it was at the first time."""
        describe = super().config_for_block
        if renderable or self.root_block.blocks.get(_id) is not block:
            return describe(_id, rendered_ids, block, renderable)
        found = self.known.get(_id)
        if found is None or found[0] is not block:
            config = describe(_id, rendered_ids, block)
            found = self.known[_id] = block, {**config, "props": Settled(config["props"])}
        return found[1]


class Original(BlocksConfig):
    """The page's own blocks, from which each session's are copied."""

    def __init__(self, page: gr.Blocks) -> None:
        super().__init__(page)
        self.known: dict[int, tuple[Block, dict[str, Any]]] = {}

    def __copy__(self) -> Described:
        """Copy for a session."""
        session = Described(self.root_block, self.known)
        vars(session).update(vars(super().__copy__()))
        return session


class Page(gr.Blocks):
    """Blocks that are described once, and whose queue leaves the processor to what it is for."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self.default_config = Original(self)
        self.swept = time.monotonic()

    async def process_api(  # type: ignore[override]
        self,
        block_fn: BlockFunction | int,
        *args: Any,  # noqa: ANN401
        **options: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        """Run an event; forget the session of a program's call, and those of closed pages."""
        done = await super().process_api(block_fn, *args, **options)
        session, state = options.get("session_hash"), options.get("state")
        event = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        # A page's own events may be on their way with a session that is empty until they write.
        if event.api_visibility == "public" and session and state and self._is_empty(state):
            self._forget(session)
        if time.monotonic() - self.swept > SWEEP_SECONDS:
            self.swept = time.monotonic()
            self.forget_closed(datetime.now() - timedelta(minutes=CLOSED_MINUTES))
        return done

    def forget_closed(self, before: datetime) -> None:
        """Forget the sessions of pages that were closed and not heard of since."""
        used = self.state_holder.time_last_used
        for session, state in list(self.state_holder.session_data.items()):
            if state.is_closed and used.get(session, before) <= before:
                self._forget(session)

    def _is_empty(self, state: SessionState) -> bool:
        """Tell whether a session is as any new one would be, as that of a call of the API is."""
        own = state.blocks_config.blocks
        return not state.state_data and all(own[key] is one for key, one in self.blocks.items())

    def _forget(self, session: str) -> None:
        self.state_holder.session_data.pop(session, None)
        self.state_holder.time_last_used.pop(session, None)

    def queue(self, **options: Any) -> "Page":  # type: ignore[override]  # noqa: ANN401
        """Queue events, looking for new ones often enough, and without a table of old ones."""
        super().queue(**options)
        # Looking each millisecond took a seventh of a core while nothing happened.
        self._queue.sleep_when_free = LOOK_SECONDS
        self._queue.progress_update_sleep_when_free = PROGRESS_SECONDS
        # For its dashboard, which is off, each event is followed by a summary of the last 10,000.
        self._queue.ANALYTICS_MAX_EVENTS = 1
        self._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize
        return self
