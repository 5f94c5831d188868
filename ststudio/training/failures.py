"""What ended a training, in a sentence for the person who waits for it."""

import traceback

import torch

from ststudio.errors import StudioError


def reason(error: BaseException) -> str:
    """Say what went wrong; what nobody foresaw goes into the worker's own output, too."""
    if isinstance(error, StudioError):
        return str(error)
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return "Out of memory. Use a smaller batch, shorter texts or a smaller model."
    traceback.print_exception(error)
    return f"Training failed unexpectedly ({type(error).__name__}: {error})."
