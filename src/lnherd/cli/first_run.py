"""A word of warning before the first run, which compiles the engine."""

import click


def mention_compiling() -> None:
    """Say on standard error that a wait is ahead, where no compiled engine is cached."""
    from lnherd.engine.cache_guard import cache_root, source_digest

    folder = cache_root() / source_digest()
    if next(folder.rglob("*.nbc"), None) is None:
        click.echo("First run: the engine is compiled once, which takes up to a minute.", err=True)
