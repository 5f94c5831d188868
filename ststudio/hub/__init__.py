"""Out to the Hub: who may write, what leaves this machine, the card, the push."""
