"""Start the app as ZeroGPU would, where there is no GPU: only what touches CUDA is stood in for."""

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[0] = str(ROOT)

import torch  # noqa: E402

from tests.runs.zerogpu.no_cuda import no, nothing  # noqa: E402

torch.version.cuda = "12.8"
torch.cuda._is_in_bad_fork = no
torch._C._cuda_init = nothing

import spaces.zero.torch  # noqa: E402

spaces.zero.torch.init = nothing
spaces.zero.torch.move = nothing

runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
