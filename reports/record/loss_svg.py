"""loss.svg: training and validation loss over steps, a line for each seed. The same curves give the same bytes.

Drawn by hand rather than by a plotting library, whose output changes with its version: a record's pages must be
rebuilt byte for byte for years. Holds numbers only; nothing that anybody wrote gets in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from runner.results import Curve

WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 64, 130, 24, 48
SIZE = f'width="{WIDTH}" height="{HEIGHT}"'
FONT = 'font-family="sans-serif" font-size="12"'
COLOURS = ("#0b62a4", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#be185d", "#0f766e", "#475569")
FINEST = 1e-6
"""Losses closer than this are drawn as one; logs write four decimals."""
MOST_LABELS = 14
"""Seeds that the legend names; the others are drawn all the same."""


def loss_svg(curves: Sequence[Curve]) -> str:
    """The drawing as text, with a newline at its end; '' where there is no point to draw."""
    steps = [step for curve in curves for step in (*curve.steps, *curve.val_steps)]
    losses = [loss for curve in curves for loss in (*curve.losses, *curve.val_losses)]
    if not steps:
        return ""
    across, down = ticks(0, max(steps)), ticks(min(losses), max(losses))
    place = Frame(across[0], across[-1], down[0], down[-1])
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {SIZE} viewBox="0 0 {WIDTH} {HEIGHT}" {FONT}>',
        "<title>Loss over steps</title>",
        f'<rect {SIZE} fill="#ffffff"/>',
        *(place.column(step) for step in across),
        *(place.row(loss) for loss in down),
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.1f}" y="{HEIGHT - 10}" text-anchor="middle">step</text>',
        f'<text text-anchor="middle" transform="translate(16 {middle:.1f}) rotate(-90)">loss, nats per token</text>',
    ]
    for index, curve in enumerate(curves):
        parts += _drawn(curve, COLOURS[index % len(COLOURS)], place)
        if index < MOST_LABELS:
            parts += _label(curve, COLOURS[index % len(COLOURS)], TOP + 14 + 18 * index)
    note_y = TOP + 14 + 18 * min(len(curves), MOST_LABELS) + 8
    if any(curve.val_steps for curve in curves):
        parts.append(f'<text x="{WIDTH - RIGHT + 14}" y="{note_y}" fill="#555555">dots: validation</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


class Frame:
    """Where a point of the data lies on the drawing."""

    def __init__(self, left: float, right: float, low: float, high: float) -> None:
        self.left, self.right, self.low, self.high = left, right, low, high

    def x(self, step: float) -> float:
        return LEFT + (step - self.left) / (self.right - self.left) * (WIDTH - LEFT - RIGHT)

    def y(self, loss: float) -> float:
        return HEIGHT - BOTTOM - (loss - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)

    def column(self, step: float) -> str:
        """A vertical line with its step below."""
        x = self.x(step)
        return (
            f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#e5e5e5"/>'
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle" fill="#555555">{step:,.6g}</text>'
        )

    def row(self, loss: float) -> str:
        """A horizontal line with its loss beside."""
        y = self.y(loss)
        return (
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#e5e5e5"/>'
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#555555">{loss:,.6g}</text>'
        )


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers from at most `low` to at least `high`, evenly apart; two at least."""
    span = high - low if high - low > FINEST else max(abs(high), 1.0)
    power = 10.0 ** math.floor(math.log10(span / about))
    apart = next(factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= about)
    first, last = math.floor(low / apart + 1e-9), math.ceil(high / apart - 1e-9)
    return [round(index * apart, 12) for index in range(first, max(last, first + 1) + 1)]


def _drawn(curve: Curve, colour: str, place: Frame) -> list[str]:
    trained = zip(curve.steps, curve.losses, strict=True)
    points = [f"{place.x(step):.1f},{place.y(loss):.1f}" for step, loss in trained]
    line = f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="1.3"/>'
    dots = [
        f'<circle cx="{place.x(step):.1f}" cy="{place.y(loss):.1f}" r="3" fill="{colour}"/>'
        for step, loss in zip(curve.val_steps, curve.val_losses, strict=True)
    ]
    return [*([line] if points else []), *dots]


def _label(curve: Curve, colour: str, y: int) -> list[str]:
    x = WIDTH - RIGHT + 14
    return [
        f'<path d="M{x} {y - 4}h18" stroke="{colour}" stroke-width="2"/>',
        f'<text x="{x + 24}" y="{y}">seed {curve.seed}</text>',
    ]
