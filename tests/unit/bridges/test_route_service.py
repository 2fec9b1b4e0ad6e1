"""The routing-information service: estimates, quotes, imports, and the whole thing bought over L402."""

import random
import re
from base64 import b64decode

import httpx
import numpy as np
import pytest
from local_server import serving
from small_networks import SAT, network_of

from lnherd.bridges.liquidity_estimates import EstimateConfig, LiquidityEstimates, estimate
from lnherd.bridges.node_imports import askrene_commands, mission_control_import, short_channel_id_dir
from lnherd.bridges.route_app import MAX_EDGES, RouteService, prices, route_app
from lnherd.bridges.route_quotes import RouteQuotes
from lnherd.errors import InputError
from lnherd.l402.client import L402Auth
from lnherd.l402.memory_wallet import MemoryNetwork
from lnherd.l402.server import L402Middleware
from lnherd.network.graph import Network

NOW = 1_700_000_000.0
AMOUNT = 100_000 * SAT
FEE = 10_000_000
KEYS = [f"{2 + index % 2:02x}{random.Random(index).randbytes(32).hex()}" for index in range(6)]
DIAMOND = [(0, 1, 500_000, 500_000), (1, 3, 500_000, 500_000), (0, 2, 500_000, 500_000), (2, 3, 500_000, 500_000)]


def with_names(network):
    network.channels.scid[:] = [(800_000 + index) << 40 | 7 << 16 | 1 for index in range(network.n_channels)]
    return Network(np.array(KEYS[: network.n_nodes]), network.channels, network.edges, name="test")


def diamond(worlds=({},)):
    """0 to 3 by way of 1 (cheap) or of 2; a world says which edges hold less than everything."""
    network = with_names(network_of(DIAMOND, policies={6: {"base_fee_msat": 2_000}}))
    forwardable = np.full((len(worlds), 8), 1_000_000 * SAT)
    for number, world in enumerate(worlds):
        for edge, amount_msat in world.items():
            forwardable[number, edge] = amount_msat
    return LiquidityEstimates(network, forwardable)


def test_worlds_are_reproducible_and_within_the_laws():
    network = with_names(network_of(DIAMOND))
    config = EstimateConfig(n_worlds=3, n_payments=50)
    told = []
    first, again, other = (estimate(network, config, seed, told.append) for seed in (1, 1, 2))
    assert first.forwardable_msat.shape == (3, 8)
    assert (first.forwardable_msat == again.forwardable_msat).all()
    assert (first.forwardable_msat != other.forwardable_msat).any()
    assert (first.forwardable_msat >= 0).all()
    assert (first.forwardable_msat.reshape(3, 4, 2).sum(axis=2) <= 1_000_000 * SAT).all(), "reserves are kept"
    assert told == [1, 2, 3] * 3


def test_traffic_moves_the_estimates():
    """What everybody pays towards dries up: the edges into the one receiver lose what they forward."""
    network = with_names(network_of([(0, 1, 500, 500), (2, 1, 500, 500)]))
    still = estimate(network, EstimateConfig(4, 0, "half"), 3)
    moved = estimate(network, EstimateConfig(4, 300, "half", "l402"), 3)
    assert len(np.unique(still.forwardable_msat)) == 1
    assert len(np.unique(moved.forwardable_msat)) > 4


@pytest.mark.parametrize("changes", [{"n_worlds": 0}, {"n_worlds": 1001}, {"n_payments": -1}, {"rate_per_s": 0.0}])
def test_configurations_that_make_no_sense(changes):
    with pytest.raises(InputError, match="estimates need"):
        EstimateConfig(**changes)


def test_chances_count_worlds_in_which_all_hops_work():
    known = diamond([{0: 0}, {2: 0}, {}, {}])
    edges, amounts = np.array([0, 2]), np.array([AMOUNT, AMOUNT])
    assert known.chance(edges[:1], amounts[:1]) == 4 / 6
    assert known.chance(edges, amounts) == 3 / 6, "not 16/36: worlds are whole"
    assert known.chance(edges[:0], amounts[:0]) == 1.0
    assert known.bounds_msat(0) == (0, 1_000_000 * SAT)


def test_the_likelier_route_comes_first_though_it_costs_more():
    doubtful = [{2: 10 * SAT}] * 8 + [{}] * 2
    cheap, dear = RouteQuotes(diamond()).quote(0, 3, AMOUNT, FEE)
    assert (cheap.edges.tolist(), dear.edges.tolist()) == ([0, 2], [4, 6])
    assert 0 < cheap.fee_msat < dear.fee_msat
    assert cheap.amounts_msat.tolist() == [AMOUNT + cheap.fee_msat, AMOUNT]
    first, second = RouteQuotes(diamond(doubtful)).quote(0, 3, AMOUNT, FEE)
    assert (first.edges.tolist(), second.edges.tolist()) == ([4, 6], [0, 2])
    assert (first.chance, second.chance) == (11 / 12, 3 / 12)


def test_quotes_leave_no_trace_and_keep_the_fee_limit():
    quotes = RouteQuotes(diamond())
    first = quotes.quote(0, 3, AMOUNT, FEE)
    assert [(q.edges.tolist(), q.chance) for q in quotes.quote(0, 3, AMOUNT, FEE)] == [
        (q.edges.tolist(), q.chance) for q in first
    ]
    assert [q.edges.tolist() for q in quotes.quote(0, 3, AMOUNT, first[0].fee_msat)] == [[0, 2]]
    assert quotes.quote(0, 3, AMOUNT, 0) == []
    assert quotes.quote(0, 1, 900_000 * SAT, 0)[0].chance == 1.0, "the buyer's own channels are the buyer's to know"
    for bad in ((0, 0, AMOUNT, FEE), (0, 3, 0, FEE), (0, 3, AMOUNT, -1)):
        with pytest.raises(InputError, match="two different nodes"):
            quotes.quote(*bad)


def test_askrene_commands_bound_every_edge():
    known = diamond([{0: 5_000}, {0: 5_000}])
    create, *informs = askrene_commands(known, [0, 1], "mine")
    assert create == {"method": "askrene-create-layer", "params": {"layer": "mine"}}
    channel = {"layer": "mine", "short_channel_id_dir": short_channel_id_dir(known.network, 0)}
    assert informs[:2] == [
        {"method": "askrene-inform-channel", "params": {**channel, "amount_msat": 5_001, "inform": "constrained"}},
        {"method": "askrene-inform-channel", "params": {**channel, "amount_msat": 5_000, "inform": "unconstrained"}},
    ]
    assert all(re.fullmatch(r"\d+x\d+x\d+/[01]", command["params"]["short_channel_id_dir"]) for command in informs)
    empty = askrene_commands(diamond([{0: 0}]), [0], "mine")
    assert [command["params"].get("amount_msat") for command in empty] == [None, 1]


def test_directions_follow_the_keys_not_the_file():
    network = diamond().network
    for edge in range(network.n_edges):
        source, target = network.node_ids[network.edge_source[edge]], network.node_ids[network.edge_target[edge]]
        assert short_channel_id_dir(network, edge).endswith("/0" if source < target else "/1")
    assert short_channel_id_dir(network, 2).startswith("800001x7x1/")


def test_mission_control_is_about_pairs_and_keys():
    twice = with_names(network_of([(0, 1, 500, 500), (0, 1, 500, 500)]))
    known = LiquidityEstimates(twice, np.array([[0, 7, 5_000, 0]]))
    body = mission_control_import(known, range(4), 1_700_000_000)
    assert len(body["pairs"]) == 2
    forth = body["pairs"][0]
    assert (b64decode(forth["node_from"]).hex(), b64decode(forth["node_to"]).hex()) == (KEYS[0], KEYS[1])
    times = {"fail_time": "1700000000", "success_time": "1700000000"}
    assert forth["history"] == {**times, "fail_amt_msat": "5001", "success_amt_msat": "5000"}
    nameless = LiquidityEstimates(network_of(DIAMOND), known.forwardable_msat)
    with pytest.raises(InputError, match="not the public key"):
        mission_control_import(LiquidityEstimates(nameless.network, np.zeros((1, 8), np.int64)), [0], 0)
    with pytest.raises(InputError, match="no short channel id"):
        short_channel_id_dir(nameless.network, 0)


def test_answers_are_bought_one_by_one():
    world = MemoryNetwork(lambda: NOW, random.Random(3).randbytes)
    purse = world.wallet(10_000_000)
    service = route_app(RouteService(diamond(), lambda: NOW))
    shop = L402Middleware(service, wallet=world.wallet(), prices=prices(10_000, 100_000), clock=lambda: NOW)
    with serving(shop) as origin, httpx.Client(base_url=origin, auth=L402Auth(purse, clock=lambda: NOW)) as client:
        asked = {"source": KEYS[0], "destination": KEYS[3], "amount_msat": AMOUNT}
        best = client.get("/routes", params=asked).json()["routes"][0]
        assert [hop["next_node_id"] for hop in best["path"]] == best["hop_pubkeys"] == [KEYS[1], KEYS[3]]
        assert best["path"][0]["amount_msat"] == AMOUNT + best["fee_msat"]
        assert best["path"][0]["delay"] > best["path"][1]["delay"]
        assert best["probability_ppm"] == 666_667
        assert purse.balance_msat == 10_000_000 - 10_000
        client.get("/routes", params=asked)
        assert purse.balance_msat == 10_000_000 - 20_000, "each question costs"
        plain = client.get("/liquidity/plain", params={"node": KEYS[1]}).json()["channels"]
        assert len(plain) == 8
        assert plain[0]["maximum_msat"] == plain[0]["capacity_msat"] == 1_000_000 * SAT
        layer = client.get("/liquidity/askrene", params={"node": KEYS[1], "layer": "bought"}).json()["commands"]
        assert layer[0]["params"] == {"layer": "bought"}
        pairs = client.get("/liquidity/mission-control", params={"node": KEYS[1]}).json()["pairs"]
        assert len(pairs) == 8
        assert purse.balance_msat == 10_000_000 - 20_000 - 300_000


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/routes", "the parameter source is missing"),
        (f"/routes?source={KEYS[0]}&destination=nobody&amount_msat=1", "no node called 'nobody'"),
        (f"/routes?source={KEYS[0]}&destination={KEYS[3]}&amount_msat=1.5", "whole number of millisatoshi"),
        (f"/routes?source={KEYS[0]}&destination={KEYS[3]}&amount_msat=" + "9" * 30, "whole number of millisatoshi"),
        (f"/routes?source={KEYS[0]}&destination={KEYS[0]}&amount_msat=1", "two different nodes"),
        (f"/liquidity/crystal-ball?node={KEYS[0]}", "not offered"),
        ("/liquidity/plain", "the parameter node is missing"),
    ],
)
def test_bad_questions_are_answered_with_one_sentence(path, says):
    with serving(route_app(RouteService(diamond()))) as origin:
        response = httpx.get(origin + path)
    assert response.status_code == 400
    assert says in response.json()["error"]


def test_the_offer_is_free_to_read_and_answers_are_bounded():
    service = RouteService(diamond())
    assert service.about({})["channels"] == 4
    star = with_names(network_of([(0, 1, 5, 5)] * (MAX_EDGES // 2 + 10)))
    service = RouteService(LiquidityEstimates(star, np.zeros((1, star.n_edges), np.int64)))
    assert len(service.liquidity({"form": "plain", "node": KEYS[0]})["channels"]) == MAX_EDGES


def test_a_network_without_channel_ids_still_has_routes_for_lnd():
    nameless = network_of(DIAMOND)
    service = RouteService(LiquidityEstimates(nameless, np.full((1, 8), 1_000_000 * SAT)))
    best = service.routes({"source": "node0", "destination": "node3", "amount_msat": str(AMOUNT)})["routes"][0]
    assert [hop["short_channel_id_dir"] for hop in best["path"]] == [None, None]
    assert best["hop_pubkeys"] == ["node1", "node3"]
    with pytest.raises(InputError, match="no short channel id"):
        service.liquidity({"form": "askrene", "node": "node0"})
