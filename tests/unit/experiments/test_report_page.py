"""The report: valid figures, nothing loaded from anywhere, nothing of the data taken for markup."""

import json
import re
from html.parser import HTMLParser

import made_up_results as made
import plotly.graph_objects as go
import pytest

from lnherd.experiments.report.network_map import MOST_NODES, network_map, surroundings
from lnherd.experiments.report.page import Comparison, render
from lnherd.experiments.results import summarise
from lnherd.experiments.statistics import Estimate

LOADING = {"src", "href", "srcset", "data", "action", "poster", "background", "xlink:href"}


class Page(HTMLParser):
    """Tags, text, and what is in scripts and styles."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.texts, self.scripts, self.styles = [], [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "br", "link", "img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        {"script": self.scripts, "style": self.styles}.get(inside, self.texts).append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


def comparison(*, learned=True, gain=500.0):
    options = {"gain": gain} if learned else {"trainings": 0}
    results = made.results(**options)
    summaries = summarise(results, ["q-learning"] if learned else [], seed=0)
    return Comparison(
        title="Herding <channels>",
        setting="A node & its network.",
        results=results,
        summaries=summaries,
        curves=(made.curve(),) if learned else (),
        against_rule=Estimate(300.0, 290.0, 310.0) if learned else None,
        network=made.ring(),
        node=3,
        facts={"command": "lnherd demo --out <x>", "seed": "0"},
    )


@pytest.fixture(scope="module")
def html():
    return render(comparison())


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_is_one_well_formed_page(page):
    assert page.open == []
    assert [tag for tag, _ in page.tags].count("html") == 1
    assert page.tags[0] == ("html", {"lang": "en"})


def test_loads_nothing(page):
    """No element that fetches, no import in a style, no request in our own script."""
    assert not [(tag, name) for tag, attributes in page.tags for name in attributes if name in LOADING]
    assert not [tag for tag, _ in page.tags if tag in ("link", "img", "iframe", "object", "embed", "base")]
    assert not re.search(r"@import|url\(", "".join(page.styles))
    own = page.scripts[-1]
    assert "Plotly.react" in own and not re.search(r"fetch|XMLHttp|import|https?:", own)


def test_plotly_is_there_once(html):
    assert html.count("plotly.js v") == 1
    assert len(html) < 6_000_000


def test_names_of_nodes_are_text(page):
    assert not [tag for tag, _ in page.tags if tag == "channels"]
    assert "Herding <channels>" in page.text and "lnherd demo --out <x>" in page.text
    figures = json.loads(page.scripts[0])
    assert figures["map"]["data"][2]["text"][3].startswith("&lt;b&gt;peer 3&lt;/b&gt;&lt;/scr…<br>2 channels")
    assert "<" not in page.scripts[0]


def test_says_the_finding_and_all_policies(page):
    assert "Q-learning earns 501 sat a day more than doing nothing." in page.text
    assert "It is 300 sat a day ahead of threshold-swap" in page.text
    for name in ("do-nothing", "threshold-swap", "q-learning"):
        assert name in page.text
    assert "over 10 held-out days" in page.text
    assert "3 trainings" in page.text


def test_every_figure_is_valid_plotly_and_has_a_place(page):
    figures = json.loads(page.scripts[0])
    places = {attributes["id"] for _, attributes in page.tags if attributes.get("class") == "figure"}
    assert set(figures) == places
    for figure in figures.values():
        for name, colour in {"ink": "#000000", "node": "#000000", "card": "#ffffff"}.items():
            figure = json.loads(json.dumps(figure).replace(f'"{name}"', f'"{colour}"'))
        go.Figure(figure)


def test_every_figure_says_what_it_shows(page):
    for _, attributes in page.tags:
        if attributes.get("class") == "figure":
            assert attributes["role"] == "img" and len(attributes["aria-label"]) > 20
    assert [tag for tag, _ in page.tags].count("figcaption") == 6
    assert all(attributes.get("scope") in ("row", "col") for tag, attributes in page.tags if tag == "th")


def test_a_comparison_of_rules_has_no_curve():
    page = Page(render(comparison(learned=False)))
    assert "How it learned" not in page.text
    assert "learning" not in json.loads(page.scripts[0])
    assert "Threshold-swap earns" in page.text


def test_forest_shows_the_interval(page):
    marks = [trace for trace in json.loads(page.scripts[0])["advantage"]["data"] if "error_x" in trace]
    by_name = {trace["y"][0]: trace for trace in marks}
    assert set(by_name) == {"threshold-swap", "q-learning"}
    assert by_name["threshold-swap"]["x"] == [200.0]
    assert by_name["threshold-swap"]["error_x"]["array"] == [0.0]


def test_the_curve_can_be_read_over_decisions_and_seconds(page):
    learning = json.loads(page.scripts[0])["learning"]
    buttons = learning["layout"]["updatemenus"][0]["buttons"]
    assert [button["label"] for button in buttons] == ["training episodes", "training decisions", "seconds"]
    for button in buttons:
        assert len(button["args"][0]["x"]) == len(learning["data"])
    assert buttons[1]["args"][0]["x"][1] == [4.0 * 48, 8.0 * 48, 16.0 * 48]


def test_map_shows_the_nearest_part_of_a_large_network():
    network = made.ring(MOST_NODES + 100)
    part, herder = surroundings(network, 7)
    assert part.n_nodes == MOST_NODES
    assert part.node_ids[herder] == network.node_ids[7]
    figure = network_map(network, 7)
    assert figure["data"][1]["x"].count(None) == 2, "the herder's two channels, drawn apart"


def test_map_leaves_dead_channels_out():
    network = made.ring()
    network.edges.enabled[:2] = False
    part, herder = surroundings(network, 0)
    assert part.n_channels == network.n_channels - 1 and herder == 0
