"""The two levels of error.

A failure that the domain expects (a payment that finds no route) is a *value*. What a person
typed or a file held wrongly is an :class:`InputError`: one sentence that names the file, field or
flag and the mend; the command line prints it and exits with 2. A broken invariant of our own is an
:class:`InvariantError` and is meant to be loud.
"""


class InputError(ValueError):
    """What the user gave cannot be used; the message names the place and the mend."""


class InvariantError(RuntimeError):
    """lnherd broke one of its own laws (conservation, ordering): a bug, never user error."""
