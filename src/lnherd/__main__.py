"""``python -m lnherd``: the same as the command ``lnherd``."""

from lnherd.cli.main import main

if __name__ == "__main__":
    main()
