"""A gate that remembers decisions answers whatever happens like one that asks a flow each time."""

import random

from hypothesis import given
from hypothesis import strategies as st

from lnherd.l402 import bolt11, headers, macaroon
from lnherd.l402.caveats import one_of
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.offers import Offer
from lnherd.l402.pricing import Ask
from lnherd.l402.server import make_gate
from lnherd.l402.server_steps import Allow, Respond
from lnherd.l402.stores import SqliteTokens

NOW = 1_700_000_000
PRICES = {
    "/read": Offer(1_000, "api", capability="read", valid_for_s=50),
    "/write": Offer(1_000, "api", capability="write"),
    "/upper": Offer(2_000, "api", tier=1),
    "/bundle": Offer(1_000, "api", units=3),
    "/ruled": Offer(1_000, "api", rules={"api_who": one_of("who")}, facts={"who": "me"}),
    "/priced": lambda ask: 1_000,
}
CAVEATS = ("api_capabilities=read", f"api_valid_until={NOW + 20}", f"api_valid_until={NOW + 40}", "api_who=you", "x=y")


class World:
    """A gate, its store and a rich customer; two made alike do alike."""

    def __init__(self, *, remembers):
        self.now_s, self.remembers, self.recalled = float(NOW), remembers, 0
        network = MemoryNetwork(lambda: self.now_s, random.Random(1).randbytes)
        self.customer = network.wallet(10**9)
        self.store = SqliteTokens()
        options = {"tokens": self.store, "clock": lambda: self.now_s, "entropy": random.Random(2).randbytes}
        self.gate = make_gate(network.wallet(), PRICES, **options)
        self.bought = []

    def ask(self, path, lines):
        ask = Ask("GET", path)
        offer = self.gate.offer(ask)
        step = self.gate.recall(offer, lines, []) if self.remembers else None
        self.recalled += step is not None
        if step is None:
            flow, step = self.gate.begin(offer, lines, [])
            while not isinstance(step, Allow | Respond):
                step = flow.receive(self.gate.perform(step, "me"))
            self.gate.remember(step, offer, lines, [])
        self.gate.conclude(step, offer, ask, "me")
        return step

    def buy(self, path):
        refused = dict(self.ask(path, []).headers)["WWW-Authenticate"]
        (challenge,) = headers.read_challenges([refused])
        amount_msat = bolt11.decode(challenge.invoice).amount_msat
        self.bought.append((macaroon.from_text(challenge.token), self.customer.pay(challenge.invoice, amount_msat, 0)))

    def show(self, number, path, conditions):
        token, paid = self.bought[number % len(self.bought)]
        return self.ask(path, [headers.authorization(token.restrict(*conditions).to_text(), paid.preimage)])

    def end(self, number, how):
        key = sorted(token.key for token in self.store.sold())[number % len(self.store.sold())]
        if how == "revoke" and len(self.store.sold()) > 1:
            self.store.revoke(key)
        elif how == "retire":
            self.store.retire(created_before_s=self.now_s, at_s=self.now_s + 5)
        elif how == "spend":
            self.store.spend(key, 1)

    def wait(self, seconds):
        self.now_s += seconds


paths = st.sampled_from(sorted(PRICES))
numbers = st.integers(0, 3)
conditions = st.one_of(st.just(()), st.lists(st.sampled_from(CAVEATS), max_size=2).map(tuple))
shows = st.tuples(st.just("show"), numbers, paths, conditions)
acts = st.one_of(
    shows,
    shows,
    shows,
    st.tuples(st.just("buy"), paths),
    st.tuples(st.just("end"), numbers, st.sampled_from(["revoke", "retire", "spend"])),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 5.0, 19.5, 40.0])),
)


@given(st.lists(paths, min_size=1, max_size=3), st.lists(st.tuples(acts, st.integers(1, 4)), max_size=25))
def test_remembering_changes_no_answer(purchases, actions):
    plain, quick = World(remembers=False), World(remembers=True)
    for path in purchases:
        plain.buy(path)
        quick.buy(path)
    for (name, *arguments), times in actions:
        for _ in range(times if name == "show" else 1):
            assert getattr(plain, name)(*arguments) == getattr(quick, name)(*arguments)
    assert plain.store.sold() == quick.store.sold()
    assert plain.gate.outcomes == quick.gate.outcomes


def test_the_comparison_does_recall():
    quick = World(remembers=True)
    quick.buy("/write")
    for _ in range(5):
        quick.show(0, "/read", ())
    assert quick.recalled == 3
