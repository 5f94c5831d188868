"""The one error that reaches the person at the screen."""


class StudioError(Exception):
    """Name a problem that the person at the screen can mend.

    The message is shown as it is: one or two sentences that say what was found, what is
    allowed and what to do.
    """
