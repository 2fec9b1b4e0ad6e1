import pytest

from lnherd.errors import InputError
from lnherd.l402.offers import Offer
from lnherd.l402.pricing import Ask, Pricing


def price(prices, method, path, **rest):
    offer = Pricing(prices).offer(Ask(method, path, **rest))
    return offer and (offer.price_msat, offer.service)


@pytest.mark.parametrize(
    ("pattern", "method", "path", "fits"),
    [
        ("GET /a", "GET", "/a", True),
        ("GET /a", "GET", "/a/", True),
        ("GET /a/", "GET", "/a", True),
        ("GET /a", "HEAD", "/a", True),
        ("GET /a", "POST", "/a", False),
        ("GET /a", "GET", "/a/b", False),
        ("GET /a", "GET", "/A", False),
        ("/a", "DELETE", "/a", True),
        ("*", "PUT", "/whatever", True),
        ("/", "GET", "/", True),
        ("/", "GET", "/a", False),
        ("GET /a/{id}", "GET", "/a/7", True),
        ("GET /a/{id}", "GET", "/a/7/b", False),
        ("GET /a/{id}", "GET", "/a/", False),
        ("GET /a/{id}/b", "GET", "/a/7/b", True),
        ("/a/*", "GET", "/a/b/c", True),
        ("/a/*", "GET", "/a", True),
        ("/a/*", "GET", "/ab", False),
        ("/a.b", "GET", "/axb", False),
        ("/*.json", "GET", "/x/y.json", True),
    ],
)
def test_patterns(pattern, method, path, fits):
    assert (price({pattern: 5}, method, path) is not None) == fits


def test_every_fixed_price_is_a_service_of_its_own():
    prices = {"GET /cheap": 1, "POST /dear": 1_000}
    assert price(prices, "GET", "/cheap") == (1, "GET/cheap")
    assert price(prices, "POST", "/dear") == (1_000, "POST/dear")


def test_the_first_pattern_decides():
    assert price({"/a/free": lambda ask: None, "/a/*": 5}, "GET", "/a/free") is None
    assert price({"/a/*": 5, "/a/free": lambda ask: None}, "GET", "/a/free") == (5, "/a/*")


def test_offers_group_routes():
    offer = Offer(7, "news", units=3)
    pricing = Pricing({"GET /a": offer, "GET /b": offer})
    assert pricing.offer(Ask("GET", "/a")) is pricing.offer(Ask("GET", "/b")) is offer


def test_computed_prices():
    def by_length(ask):
        return len(ask.query) * 10

    pricing = Pricing({"POST /ask": by_length})
    assert pricing.offer(Ask("POST", "/ask")) is None
    offer = pricing.offer(Ask("POST", "/ask", query="12345"))
    assert (offer.price_msat, offer.at_current_price) == (50, True)
    whole = Offer(3, "x")
    assert Pricing({"*": lambda ask: whole}).offer(Ask("GET", "/")) is whole


@pytest.mark.parametrize(
    ("prices", "says"),
    [
        ({"get /a": 1}, "price pattern"),
        ({"GET a": 1}, "price pattern"),
        ({"GET /a b": 1}, "price pattern"),
        ({"": 1}, "price pattern"),
        ({"HEAD /a": 1}, "priced as GET"),
        ({"/a": 0}, "costs at least 1"),
        ({"/a": -5}, "costs at least 1"),
    ],
)
def test_bad_price_lists(prices, says):
    with pytest.raises(InputError, match=says):
        Pricing(prices)
