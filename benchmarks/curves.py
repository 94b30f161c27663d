"""Learning curves as SVG: macro-F1 against the number of labels, mean and spread of the draws."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, MARGIN = 300, 200, 40
COLOURS = ("#9aa5b1", "#d97706", "#2563eb")
F1 = 1  # of (accuracy, macro-F1, AUC)

Curve = Mapping[int, Mapping[str, NDArray[np.float64]]]


def svg(curves: Mapping[str, Curve], models: Sequence[str]) -> str:
    """One panel a feed, one line a model, a band from the lowest to the highest draw."""
    columns = 3
    parts = []
    for place, (name, curve) in enumerate(curves.items()):
        x, y = place % columns * (WIDTH + MARGIN), place // columns * (HEIGHT + 2 * MARGIN)
        parts.append(f'<g transform="translate({x + MARGIN},{y + MARGIN})">')
        parts += _panel(name, curve, models)
        parts.append("</g>")
    rows = math.ceil(len(curves) / columns)
    width, height = columns * (WIDTH + MARGIN) + MARGIN, rows * (HEIGHT + 2 * MARGIN) + 30
    for place, (model, colour) in enumerate(zip(models, COLOURS, strict=True)):
        parts.append(
            f'<text x="{MARGIN + 120 * place}" y="{height - 12}" fill="{colour}">{model}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12">{"".join(parts)}</svg>\n'
    )


def _panel(name: str, curve: Curve, models: Sequence[str]) -> list[str]:
    values = [v for by_model in curve.values() for found in by_model.values() for v in found[:, F1]]
    low, high = math.floor(min(values) * 10) / 10, math.ceil(max(values) * 10) / 10
    first, last = math.log10(min(curve)), math.log10(max(curve))

    def at(n: int, value: float) -> str:
        x = (math.log10(n) - first) / max(last - first, 1e-9) * WIDTH
        return f"{x:.1f},{HEIGHT - (value - low) / max(high - low, 1e-9) * HEIGHT:.1f}"

    parts = [
        f'<text x="0" y="-10">{name}: macro-F1 by labels</text>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#d9e2ec"/>',
        f'<text x="-32" y="8">{high:.1f}</text><text x="-32" y="{HEIGHT}">{low:.1f}</text>',
    ]
    for n in curve:
        x = at(n, low).split(",")[0]
        parts.append(f'<text x="{x}" y="{HEIGHT + 16}" text-anchor="middle">{n:,}</text>')
    for model, colour in zip(models, COLOURS, strict=True):
        draws = {n: by_model[model][:, F1] for n, by_model in curve.items()}
        edge = [at(n, v.max()) for n, v in draws.items()]
        edge += [at(n, v.min()) for n, v in reversed(draws.items())]
        line = " ".join(at(n, v.mean()) for n, v in draws.items())
        parts.append(f'<polygon points="{" ".join(edge)}" fill="{colour}" opacity=".15"/>')
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return parts
