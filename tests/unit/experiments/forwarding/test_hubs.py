"""Hubs over a training: stages of an online learner, and the page with its slider."""

import numpy as np
from tests.support.small_networks import network_of

from lnherd.experiments.forwarding.contenders import contenders
from lnherd.experiments.forwarding.hubs import HubStage, learning_stages, saved_stages
from lnherd.experiments.forwarding.worlds import Cell, ForwardingSuite, Places
from lnherd.experiments.report.hubs_page import MOST, hub_map, render

SMALL = ForwardingSuite(nodes=14, duration_s=10, payments_per_s=3.0, worlds=1)
NETWORK = network_of([(0, 1, 50, 50), (1, 2, 50, 50), (1, 3, 50, 50)])


def stage(label, *volume_sat):
    return HubStage(label, np.array(volume_sat, dtype=np.float64), 0.5, 0.3, 0.2, 0.1)


def test_a_learner_is_looked_at_between_episodes_and_learns_nothing_there():
    world = Places(SMALL).world(Cell("synthetic", "mixed"), 0)
    (learner,) = contenders("q-routing")
    stages = list(learning_stages(learner, world, [3], stops=(0, 0, 2)))
    assert [each.label for each in stages] == ["0 episodes", "0 episodes", "2 episodes"]
    assert np.array_equal(stages[0].volume_sat, stages[1].volume_sat)
    assert stages[0].volume_sat.shape == (14,) and stages[0].volume_sat.sum() > 0


def test_rules_can_be_stages_too():
    world = Places(SMALL).world(Cell("synthetic", "mixed"), 0)
    stages = list(saved_stages(contenders("shortest,random"), world, [3, 4]))
    assert [each.label for each in stages] == ["shortest", "random"]
    assert not np.array_equal(stages[0].volume_sat, stages[1].volume_sat)
    assert all(-1.0 <= each.centrality <= 1.0 and 0.0 <= each.hub_gini <= 1.0 for each in stages)


def test_the_slider_changes_the_size_of_nodes():
    figure = hub_map(NETWORK, [stage("first", 0, 100, 0, 0), stage("second", 25, 0, 0, 0)])
    first, second = (step["args"][0]["marker.size"][0] for step in figure["layout"]["sliders"][0]["steps"])
    assert figure["data"][1]["marker"]["size"] == first
    assert first[1] == MOST and second[0] == (4.0 + MOST) / 2 and second[1] == 4.0


def test_the_page_needs_nothing_else():
    page = render("Hubs", "Setting.", NETWORK, [stage("first", 0, 100, 0, 0)], {"commit": "abc"})
    assert "Plotly" in page and "abc" in page and 'src="http' not in page and "<td>50.0%</td>" in page
