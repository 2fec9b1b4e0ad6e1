"""Parquet files as the text of CSV files, so that one reader checks both."""

import io
from pathlib import Path

from lnherd.errors import InputError

MAGIC = b"PAR1"


def is_parquet(path: Path) -> bool:
    """Whether the file begins as Parquet files do; False where it cannot be read, which the CSV reader will say."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def parquet_as_csv(path: Path) -> str:
    """All columns of the file as CSV with a header.

    Raises:
        InputError: when pyarrow is missing or the file is damaged.
    """
    try:
        from pyarrow import ArrowException, csv, parquet
    except ImportError:
        raise InputError(f"{path}: is Parquet, which needs pyarrow; install lnherd[parquet] or give CSV") from None
    try:
        table = parquet.read_table(path)
    except (ArrowException, OSError) as error:
        raise InputError(f"{path}: is damaged ({str(error).splitlines()[0]}); write it anew") from None
    text = io.BytesIO()
    csv.write_csv(table, text, csv.WriteOptions(quoting_style="needed"))
    return text.getvalue().decode()
