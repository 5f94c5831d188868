"""What ended a training, in a sentence for the person who waits for it."""

import traceback

from ststudio.errors import StudioError

# torch says so by a RuntimeError, the system by an OSError, and oneDNN says no more than that.
NO_MEMORY = ("t allocate memory", "bad_alloc", "out of memory", "could not create a primitive")


def reason(error: BaseException) -> str:
    """Say what went wrong; what nobody foresaw goes into the worker's own output, too."""
    if isinstance(error, StudioError):
        return str(error)
    if isinstance(error, MemoryError) or any(sign in str(error) for sign in NO_MEMORY):
        return "Out of memory. Use a smaller batch, shorter texts or a smaller model."
    traceback.print_exception(error)
    return f"Training failed unexpectedly ({type(error).__name__}: {error})."
