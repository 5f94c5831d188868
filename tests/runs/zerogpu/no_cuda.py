"""Harmless stand-ins for CUDA; in a module of their own, since `spaces` pickles one of them."""


def nothing(*_: object, **__: object) -> None:
    """Stand in for what starts CUDA or moves tensors to it."""


def no(*_: object) -> bool:
    """Stand in for the question whether CUDA was used before a fork."""
    return False
