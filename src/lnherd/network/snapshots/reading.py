"""Which format a snapshot has, told by its content: names and suffixes are not believed."""

from pathlib import Path
from typing import Any

from lnherd.errors import InputError
from lnherd.network.graph import Network
from lnherd.network.snapshots import cln, cloth, gossip_store, gossmap, lnd, plain_csv
from lnherd.network.snapshots.columns import quoted
from lnherd.network.snapshots.opening import decoded, is_folder, parsed_json, read_bytes, without_compression

_KNOWN = "describegraph or listchannels JSON, gossip_store, compressed gossip map, edges CSV or CLoTH's CSV files"


def read_network(path: Path | str, nodes: Path | str | None = None) -> Network:
    """Read a network from a file or folder of any known format, compressed (gzip, xz) or not.

    Formats: LND ``describegraph`` JSON, Core Lightning ``listchannels`` JSON, ``gossip_store`` and
    compressed gossip map, CLoTH's CSV files (folder or tar), our own CSV. ``nodes`` names a file with the
    nodes' keys and aliases for the formats that keep them apart (listnodes JSON, node map, nodes CSV);
    without it one is looked for beside ``path``.

    Raises:
        InputError: one sentence that names the file, the place and the mend, whatever is wrong.
    """
    path = Path(path)
    network = _read(path, None if nodes is None else Path(nodes))
    if network.n_channels == 0:
        raise InputError(f"{path}: holds no channel; give a snapshot that does")
    return network


def _read(path: Path, nodes: Path | None) -> Network:
    if is_folder(path):
        return _read_folder(path, nodes)
    data = read_bytes(path)
    if not data:
        raise InputError(f"{path}: is empty; fetch the file again")
    if data.startswith(gossmap.MAGIC):
        return gossmap.read_gossmap(data, path, nodes)
    if cloth.is_tar(data):
        return _named_within(cloth.read_cloth(cloth.tar_contents(data, str(path)), path), path, nodes)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _read_json(parsed_json(data, str(path)), path, nodes)
    if gossip_store.is_gossip_store(data):
        return _named_within(gossip_store.read_gossip_store(data, path), path, nodes)
    return _read_csv(data, path, nodes)


def _named_within(network: Network, path: Path, nodes: Path | None) -> Network:
    if nodes is not None:
        raise InputError(f"{nodes}: not needed, {path} names its nodes itself; leave this file out")
    return network


def _read_folder(path: Path, nodes: Path | None) -> Network:
    contents = cloth.folder_contents(path)
    if cloth.holds_cloth(contents):
        return _named_within(cloth.read_cloth(contents, path), path, nodes)
    edges = [name for name in contents if without_compression(Path(name)).name.endswith("edges.csv")]
    if len(edges) == 1:
        return _read(path / edges[0], nodes)
    found = "none" if not edges else " and ".join(edges)
    wanted = "CLoTH's channels_ln.csv, edges_ln.csv and nodes_ln.csv, or one edges CSV"
    raise InputError(f"{path}: this folder should hold {wanted} (found {found}); name a file")


def _read_json(document: Any, path: Path, nodes: Path | None) -> Network:
    if not isinstance(document, dict):
        raise InputError(f"{path}: is JSON but {quoted(document)} is no snapshot; give {_KNOWN}")
    if "edges" in document:
        return _named_within(lnd.read_describegraph(document, path), path, nodes)
    if "channels" in document:
        return cln.read_listchannels(document, path, nodes)
    if "nodes" in document:
        raise InputError(f"{path}: lists nodes but no channels; give the listchannels or describegraph file")
    keys = ", ".join(map(quoted, list(document)[:5])) or "nothing"
    raise InputError(f"{path}: is JSON with {keys}, but no 'edges' or 'channels'; give {_KNOWN}")


def _read_csv(data: bytes, path: Path, nodes: Path | None) -> Network:
    if b"\0" in data[:4096]:
        raise InputError(f"{path}: is no network snapshot (binary data); give {_KNOWN}")
    text = decoded(data, str(path))
    header = {name.strip() for name in text.partition("\n")[0].split(",")}
    if header & {"channel", "src", "dst"}:
        return plain_csv.read_csv(text, path, nodes)
    if header & {"edge1_id", "counter_edge_id"}:
        # One of CLoTH's three files means all three of its folder.
        return _named_within(cloth.read_cloth(cloth.folder_contents(path.parent), path.parent), path, nodes)
    if "pubkey" in header:
        raise InputError(f"{path}: lists nodes but no channels; give the edges CSV")
    raise InputError(f"{path}: is no network snapshot; give {_KNOWN}")
