"""A loopback Hub that speaks the Hub's protocol to the real clients.

Import it before huggingface_hub, which reads these once: uploads go by LFS, since Xet has its own
servers, and no token is sent that was not handed over.
"""

import os

os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
os.environ.setdefault("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
