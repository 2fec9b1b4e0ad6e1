from lnherd.cli.first_run import mention_compiling
from lnherd.engine.cache_guard import cache_root, source_digest


def test_says_so_only_while_nothing_is_compiled(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LNHERD_CACHE", str(tmp_path))
    mention_compiling()
    assert "compiled once" in capsys.readouterr().err
    compiled = cache_root() / source_digest() / "engine_1"
    compiled.mkdir(parents=True)
    (compiled / "loop.run-31.py311.1.nbc").write_bytes(b"")
    mention_compiling()
    assert capsys.readouterr() == ("", "")
