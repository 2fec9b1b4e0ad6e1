"""What the relay-node suite hands over: the lives, the table, a figure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lnherd.experiments.directory import CONFIG_FILE, claim, write_csv, write_json, write_text
from lnherd.experiments.json_config import to_json
from lnherd.experiments.relay_node import PUBLISHED, PUBLISHED_LEARNER, Life, RelayNodeConfig, Row
from lnherd.experiments.report.svg import Bar, intervals

COLUMNS = ("policy", "learned on", "lives before", "median profit", "lowest-highest", "IQM (95 %)", "swaps", "relayed",
           "of the bound", "published")  # fmt: skip


def table(rows: Sequence[Row]) -> list[list[str]]:
    """One line a policy, for people."""
    return [
        [
            row.policy,
            row.learns,
            f"{row.training_lives}",
            f"{row.profit:,.0f}",
            f"{row.lowest:,.0f}-{row.highest:,.0f}",
            f"{row.iqm.value:,.0f} ({row.iqm.low:,.0f} to {row.iqm.high:,.0f})",
            f"{row.swaps:,.0f}",
            f"{row.success_rate:.1%}",
            f"{row.share_of_bound:.1%}",
            f"{PUBLISHED[row.policy]:,.0f}" if row.policy in PUBLISHED else "",
        ]
        for row in rows
    ]


def as_json(config: RelayNodeConfig, rows: Sequence[Row]) -> dict[str, Any]:
    """The findings for programs."""
    return {"config": to_json(config), "published_learner": PUBLISHED_LEARNER, "rows": [to_json(row) for row in rows]}


def figure(rows: Sequence[Row], bound: float) -> str:
    """Profits with the range over all lives, between what was published and what is possible."""
    shown = [
        Bar(
            row.policy,
            row.profit,
            row.lowest,
            row.highest,
            strong=row.learns in ("other lives", "this life", "other lives, this life"),
        )
        for row in rows
        if row.policy != "do-nothing"
    ]
    marks = [(PUBLISHED_LEARNER, "published learner"), (bound, "fluid bound")]
    return intervals("Profit of the relay node: median, lowest and highest life", shown, marks)


def claim_directory(out: Path, config: RelayNodeConfig) -> None:
    """Make ``out`` the home of this run, or find that it is.

    Raises:
        InputError: when something else is there.
    """
    claim(out, {"kind": "compare relay-node", "config": to_json(config)})


def publish(
    out: Path, config: RelayNodeConfig, rows: Sequence[Row], lives: Sequence[Life], provenance: dict[str, Any]
) -> tuple[Path, ...]:
    """Write everything into ``out``."""
    claim_directory(out, config)
    bound = sum(life.bound for life in lives) / len(lives)
    files = tuple(out / name for name in ("lives.csv", "results.json", "profit.svg"))
    columns = tuple(vars(lives[0]))
    write_csv(files[0], columns, [[f"{v:.3f}" if isinstance(v, float) else v for v in vars(x).values()] for x in lives])
    write_json(files[1], {**as_json(config, rows), "mean_bound": bound, "provenance": provenance})
    write_text(files[2], figure(rows, bound))
    return (out / CONFIG_FILE, *files)
