from lnherd.cli.first_run import compile_engine
from lnherd.engine.cache_guard import cache_root, source_digest


def test_compiles_and_says_so_only_while_nothing_is_compiled(tmp_path, monkeypatch, capsys):
    compiled = []
    monkeypatch.setattr("lnherd.experiments.simulate.warm_up", lambda: compiled.append(True))
    monkeypatch.setenv("LNHERD_CACHE", str(tmp_path))
    compile_engine()
    assert "compiling the engine once" in capsys.readouterr().err and compiled == [True]
    folder = cache_root() / source_digest() / "engine_1"
    folder.mkdir(parents=True)
    (folder / "loop.run-31.py311.1.nbc").write_bytes(b"")
    compile_engine()
    assert capsys.readouterr() == ("", "") and compiled == [True]
