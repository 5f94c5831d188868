"""The page as Gradio holds it, its blocks described once instead of anew for every session."""

from typing import Any

import gradio as gr
from gradio.blocks import Block, BlocksConfig
from gradio.renderable import Renderable


class Described(BlocksConfig):
    """Descriptions of a page's blocks, remembered.

    Every call of the API without a session is one, and Gradio describes all blocks for it: of
    350, that took 20 of the 30 ms that an empty endpoint costs.
    """

    def __init__(self, page: gr.Blocks) -> None:
        super().__init__(page)
        self.known: dict[int, tuple[Block, dict[str, Any]]] = {}

    def __copy__(self) -> "Described":
        """Copy for a session, which remembers with all others."""
        new = Described(self.root_block)
        vars(new).update(vars(super().__copy__()), known=self.known)
        return new

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
            found = self.known[_id] = block, describe(_id, rendered_ids, block)
        # A session writes values into its own.
        return {**found[1], "props": {**found[1]["props"]}}


class Page(gr.Blocks):
    """Blocks that are described once."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self.default_config = Described(self)
