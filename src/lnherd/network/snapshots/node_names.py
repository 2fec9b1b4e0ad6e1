"""Files that name nodes for formats that do not: who they are, what they call themselves.

Three kinds, told apart by content: our nodes CSV (``node,pubkey[,alias]``), the node map beside a
compressed gossip store (lines ``index:pubkey:alias``) and Core Lightning ``listnodes`` JSON.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lnherd.errors import InputError
from lnherd.network.snapshots.columns import Where, clean, integers, read_table, reject_repeated
from lnherd.network.snapshots.documents import entries
from lnherd.network.snapshots.opening import parsed_json, read_text


@dataclass(frozen=True)
class NodeNames:
    """Public keys and aliases of the nodes that a file lists."""

    source: str
    """The file, as messages name it."""
    ids: list[str]
    """Public keys ``[N]``, each once."""
    aliases: list[str] | None
    """Aliases ``[N]``; None when the file has none at all."""
    indexed: bool
    """Whether the position in the file is the node's index in the snapshot."""

    def id_array(self) -> NDArray[np.str_]:
        """Public keys ``[N]`` as :class:`lnherd.network.graph.Network` wants them."""
        return np.array(self.ids, dtype=np.str_)

    def alias_array(self) -> NDArray[np.str_] | None:
        """Aliases ``[N]`` as :class:`lnherd.network.graph.Network` wants them."""
        return None if self.aliases is None else np.array(self.aliases, dtype=np.str_)


_MAX_ANONYMOUS = 1_000_000
"""Lightning has some 17,000 nodes; an index of a thousand million is a slip, and would fill the memory with names."""


def anonymous(n_nodes: int, source: str) -> NodeNames:
    """Names for nodes that nobody named: their index.

    Raises:
        InputError: when they are too many to be true.
    """
    if n_nodes > _MAX_ANONYMOUS:
        raise InputError(f"{source}: refers to node {n_nodes - 1}, and no file lists so many; give it, or correct that")
    return NodeNames(source, [str(node) for node in range(n_nodes)], None, indexed=True)


def read_node_names(path: Path | str) -> NodeNames:
    """Read a file that names nodes, whichever of the three kinds it is.

    Raises:
        InputError: when it is none of them, or naming the line or entry that is wrong.
    """
    text, source = read_text(path), str(path)
    if text.lstrip().startswith("{"):
        return _from_listnodes(parsed_json(text.encode(), source), source)
    first_line = text.partition("\n")[0]
    if "," in first_line and "pubkey" in first_line:
        return _from_csv(text, source)
    if first_line.count(":") >= 2:
        return _from_node_map(text, source)
    raise InputError(f"{source}: names no nodes; give a nodes CSV (node,pubkey,alias), a node map or listnodes JSON")


def read_indexed_names(path: Path | str) -> NodeNames:
    """Read a file whose position is the node's index (nodes CSV or node map).

    Raises:
        InputError: as :func:`read_node_names`, and for ``listnodes`` JSON, which has no indices.
    """
    names = read_node_names(path)
    if not names.indexed:
        raise InputError(f"{path}: lists nodes without their indices; give a nodes CSV or a node map")
    return names


def _from_csv(text: str, source: str) -> NodeNames:
    table = read_table(text, source, ("node", "pubkey"))
    _require_counting(table.integers("node"), table.where("node"))
    ids = [clean(key) for key in table.columns["pubkey"]]
    reject_repeated(ids, table.where("pubkey"))
    aliases = table.columns.get("alias")
    return NodeNames(source, ids, None if aliases is None else [clean(alias) for alias in aliases], indexed=True)


def _from_node_map(text: str, source: str) -> NodeNames:
    # Not splitlines(): aliases are free text, and that would also break them at exotic line separators.
    rows = [line.split(":", 2) for line in text.removesuffix("\n").split("\n")]

    def where(index: int) -> str:
        return f"{source}, line {index + 1}"

    for index, row in enumerate(rows):
        if len(row) != 3:
            raise InputError(f"{where(index)}: is not index:pubkey:alias; the file may be cut short")
    _require_counting(integers([row[0] for row in rows], where), where)
    ids = [clean(row[1]) for row in rows]
    reject_repeated(ids, where)
    return NodeNames(source, ids, [clean(row[2].removesuffix("\r")) for row in rows], indexed=True)


def _from_listnodes(document: dict[str, Any], source: str) -> NodeNames:
    nodes = entries(document, "nodes", source, "node", "nodeid")
    nodes.reject_repeated("nodeid")
    return NodeNames(source, nodes.strings("nodeid"), nodes.strings("alias", ""), indexed=False)


def _require_counting(indices: NDArray[np.int64], where: Where) -> None:
    wrong = indices != np.arange(len(indices))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise InputError(f"{where(first)} is {indices[first]} where {first} is due; indices count from 0 without gaps")
