"""The first run compiles the engine: say so, and do it once before worker processes all start to."""

import click


def compile_engine() -> None:
    """Compile the engine where no compiled one is cached, with a word about the wait on standard error."""
    from lnherd.engine.cache_guard import cache_root, source_digest
    from lnherd.experiments.simulate import warm_up

    folder = cache_root() / source_digest()
    if next(folder.rglob("*.nbc"), None) is None:
        click.echo("First run: compiling the engine once, which takes up to a minute.", err=True)
        warm_up()
