"""The one error that the local stack shows to the person at the terminal."""


class StartError(Exception):
    """Why PaYa cannot start, as one clear sentence; whoever catches it prints it and exits with 1."""
