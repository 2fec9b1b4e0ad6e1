"""Record arrays: the one shape of bulk data, attribute access in Python and in compiled code alike."""

from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

Records: TypeAlias = Any
"""An ``np.recarray``. Typed as ``Any`` because NumPy's stubs do not know a dtype's field names."""
Ints: TypeAlias = NDArray[np.int64]
Indices: TypeAlias = NDArray[np.int32]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]


def zero_records(length: int, dtype: DTypeLike) -> Records:
    """Allocate ``length`` zeroed records. Always a recarray, so that uncompiled code runs too."""
    return cast(Records, np.zeros(length, dtype=dtype).view(np.recarray))


def grown(records: Records, length: int) -> Records:
    """Copy ``records`` into a longer, zero-filled recarray of ``length`` entries."""
    longer = zero_records(length, records.dtype)
    longer[: len(records)] = records
    return longer


def plain(records: Records) -> Records:
    """The same memory as a structured array: ``plain(r)["field"]`` costs a tenth of ``r.field``."""
    return records.view(np.ndarray)
