"""A ZeroGPU Space without its GPU: the real `spaces`, a loopback scheduler, and a start file."""
