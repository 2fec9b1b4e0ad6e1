"""Recorded traffic: payments from CSV and Parquet files, and to CSV.

Two layouts are told apart by their header. CLoTH's ``payments.csv`` has ``id, sender_id, receiver_id,
amount, start_time`` (node indices, msat, ms). Ours has ``sender, receiver, amount_msat, start_ms`` and
optionally ``kind``; nodes are indices, public keys or unique aliases, further columns are ignored, so the
output of a simulation can be replayed. CSV files may be compressed (gzip, xz). Parquet files have the same columns
and need the extra ``lnherd[parquet]``.
"""

from pathlib import Path

import numpy as np

from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.records import Indices, Records, zero_records
from lnherd.network.snapshots.columns import MAX_MSAT, Table, read_table
from lnherd.network.snapshots.opening import read_text
from lnherd.network.snapshots.saving import save_text
from lnherd.traffic.demand import OTHER, PAYMENT_DTYPE, PAYMENT_KINDS
from lnherd.traffic.parquet import is_parquet, parquet_as_csv

COLUMNS = ("sender", "receiver", "amount_msat", "start_ms")
"""Our own layout; ``kind`` may follow."""
CLOTH_COLUMNS = ("sender_id", "receiver_id", "amount", "start_time")
"""The same in CLoTH's words."""


def read_payments(path: Path | str, network: Network) -> Records:
    """Payments of ``path`` as PAYMENT_DTYPE records, sorted by start (ties in the order of the file).

    Raises:
        InputError: naming file, line and column of the first thing that is wrong.
    """
    source = str(path)
    text = parquet_as_csv(Path(path)) if is_parquet(Path(path)) else read_text(path)
    columns = CLOTH_COLUMNS if "sender_id" in text.partition("\n")[0] else COLUMNS
    table = read_table(text, source, columns)
    sender, receiver, amount, start = columns
    payments = zero_records(table.n_rows, PAYMENT_DTYPE)
    payments.sender = _nodes(table, sender, network)
    payments.receiver = _nodes(table, receiver, network)
    payments.amount_msat = table.integers(amount, low=1, high=MAX_MSAT)
    payments.start_ms = table.integers(start)
    payments.kind = _kinds(table)
    table.reject(payments.sender == payments.receiver, "node {" + sender + "} pays itself; remove the line")
    ordered: Records = payments[np.argsort(payments.start_ms, kind="stable")]
    return ordered


def write_payments(payments: Records, path: Path | str) -> None:
    """Write PAYMENT_DTYPE records in our layout; compressed when the name ends in ``.gz`` or ``.xz``.

    Raises:
        InputError: when the file cannot be written.
    """
    rows = zip(
        payments.sender.tolist(),
        payments.receiver.tolist(),
        payments.amount_msat.tolist(),
        payments.start_ms.tolist(),
        (PAYMENT_KINDS[kind] for kind in payments.kind.tolist()),
        strict=True,
    )
    lines = [",".join((*COLUMNS, "kind")), *(",".join(map(str, row)) for row in rows)]
    save_text(Path(path), "\n".join(lines) + "\n")


def _nodes(table: Table, column: str, network: Network) -> Indices:
    """Node indices ``[n]`` of a column of indices or names; every distinct name is looked up once."""
    names, first, inverse = np.unique(table.columns[column], return_index=True, return_inverse=True)
    indices = np.empty(len(names), dtype=np.int32)
    for position, name in enumerate(names.tolist()):
        try:
            indices[position] = network.node_index(name)
        except InputError as error:
            raise InputError(f"{table.where(column)(int(first[position]))}: {error}") from None
    found: Indices = indices[inverse]
    return found


def _kinds(table: Table) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Kinds ``[n]``; what a file does not say is OTHER."""
    if "kind" not in table.columns:
        return np.full(table.n_rows, OTHER, dtype=np.uint8)
    codes = {name: code for code, name in enumerate(PAYMENT_KINDS)}
    values = table.columns["kind"]
    known = np.array([value in codes for value in values], dtype=np.bool_)
    table.reject(~known, "kind is '{kind}'; it must be one of " + ", ".join(PAYMENT_KINDS))
    return np.array([codes[value] for value in values], dtype=np.uint8)
