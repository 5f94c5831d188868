"""ST Studio turns a dataset into a fine-tuned SentenceTransformer, and proves what changed."""

import os

# Read by the Hub's libraries when they are imported, hence here, before any of them.
os.environ.setdefault("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")  # no visitor reads as the Space's owner
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # one upload path: the one the tests prove
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
