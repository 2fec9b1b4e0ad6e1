import threading

import pytest

from lnherd.errors import InputError
from lnherd.l402.offers import TokenRecord
from lnherd.l402.stores import UNUSED_TTL_S, SqliteTokens

NOW = 1_000_000.0
RECORD = TokenRecord(b"\x07" * 32, "api", 10_000, NOW)


@pytest.fixture(params=["memory", "file"])
def tokens(request, tmp_path):
    store = SqliteTokens() if request.param == "memory" else SqliteTokens(tmp_path / "tokens.db")
    yield store
    store.close()


def test_find_what_was_saved(tokens):
    assert tokens.find("a", NOW) is None
    tokens.save("a", RECORD)
    tokens.save("b", RECORD._replace(units=3, expires_s=NOW + 5))
    assert tokens.find("a", NOW) == RECORD
    assert tokens.find("b", NOW) == RECORD._replace(units=3, expires_s=NOW + 5)
    assert tokens.find("b", NOW + 5) is None


def test_use_is_remembered(tokens):
    tokens.save("a", RECORD)
    assert not tokens.find("a", NOW).used
    tokens.mark_used("a", NOW)
    tokens.mark_used("a", NOW + 1)
    assert tokens.find("a", NOW).used
    assert tokens.counts() == (1, 1)


def test_units(tokens):
    tokens.save("a", RECORD._replace(units=5))
    assert tokens.spend("a", 2) == 3
    assert tokens.spend("a", 4) is None
    assert tokens.spend("a", 3) == 0
    assert tokens.spend("a", 1) is None
    tokens.refund("a", 2)
    assert tokens.spend("a", 2) == 0
    assert tokens.spend("nobody", 1) is None
    tokens.save("free", RECORD)
    assert tokens.spend("free", 1) is None
    tokens.refund("free", 1)
    assert tokens.find("free", NOW).units is None


def test_two_threads_never_spend_the_same_unit(tokens):
    tokens.save("a", RECORD._replace(units=100))
    spent = []

    def spend():
        while (left := tokens.spend("a", 1)) is not None:
            spent.append(left)

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(spent) == list(range(100))


def test_two_processes_worth_of_connections_share_a_file(tmp_path):
    one, two = SqliteTokens(tmp_path / "t.db"), SqliteTokens(tmp_path / "t.db", durable=True)
    one.save("a", RECORD._replace(units=2))
    assert two.spend("a", 1) == 1
    assert one.spend("a", 1) == 0
    assert two.spend("a", 1) is None
    assert two.revoke("a")
    assert one.find("a", NOW) is None


def test_revocation(tokens):
    tokens.save("a", RECORD)
    assert tokens.revoke("a")
    assert not tokens.revoke("a")
    assert tokens.find("a", NOW) is None


def test_rotation_gives_old_tokens_an_end(tokens):
    tokens.save("old", RECORD)
    tokens.save("other", RECORD._replace(service="web"))
    tokens.save("brief", RECORD._replace(expires_s=NOW + 1))
    tokens.save("new", RECORD._replace(created_s=NOW + 10))
    assert tokens.retire(created_before_s=NOW + 10, at_s=NOW + 60, service="api") == 1
    assert tokens.find("old", NOW + 59) is not None
    assert tokens.find("old", NOW + 60) is None
    assert tokens.find("brief", NOW).expires_s == NOW + 1
    assert tokens.find("new", NOW + 10**6) is not None
    assert tokens.find("other", NOW + 10**6) is not None
    assert tokens.retire(created_before_s=NOW + 10, at_s=NOW + 60) == 1


def test_pruning(tokens):
    tokens.save("expired", RECORD._replace(expires_s=NOW))
    tokens.save("never used", RECORD)
    tokens.save("used", RECORD)
    tokens.mark_used("used", NOW)
    assert tokens.prune(NOW) == 1
    assert tokens.prune(NOW + UNUSED_TTL_S - 1) == 0
    assert tokens.prune(NOW + UNUSED_TTL_S) == 1
    assert tokens.find("used", NOW + 10**9) is not None


def test_a_file_that_is_something_else(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database " * 100)
    with pytest.raises(InputError, match=r"notes\.txt: cannot be used as a token database"):
        SqliteTokens(path)
    with pytest.raises(InputError, match="cannot be used"):
        SqliteTokens(tmp_path / "nowhere" / "t.db")
