#!/usr/bin/env python3
"""Draws docs/roofline.svg and docs/peers.svg from the results of benchmarks.

usage: draw.py RESULTS.json... [--out DIR]

RESULTS.json are JSON lines of scripts/bench and of bench/peers; of figures that are there several
times the median is drawn. A picture whose figures are missing is left alone, and said so.

roofline.svg: GFLOPS of one core over operations per byte. Roofs are the FMA peak and the triad
bandwidth of each level. A point's bytes are: of a product, its three matrices once; of a training
step, the rows of its batch once (as bytes), parameters and moments read and written once; of a
kernel, what it reads and writes. A point above the roof of a level found its data nearer.

peers.svg: how many times faster than each peer, with the best number of threads of both.
"""
import argparse
import collections
import html
import json
import math
import os
import statistics
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NETWORKS = ("fashion", "mnist-small", "wide", "deep", "tabular")
COLORS = ("#2f7ec7", "#d97a1f", "#26946a", "#a259c4", "#d0445c", "#8a7a2a", "#3aa5b5", "#7a7f87")
# Operations per element, counted in the formulas of src/kernels: +, -, *, /, max and sqrt, each 1.
KERNEL_OPERATIONS = {"adam": 13, "sgd": 2, "relu_forward": 2, "affine_u8": 2, "column_sums": 1}

STYLE = """
text { font: 13px sans-serif; fill: #24292f }
.bg { fill: #ffffff } .title { font-weight: bold; font-size: 15px }
.small { font-size: 11px } .soft { fill: #57606a }
.grid { stroke: #d8dee4; stroke-width: 1 } .axis { stroke: #57606a; stroke-width: 1.2 }
.roof { stroke: #57606a; stroke-width: 1.6; fill: none } .leader { stroke: #9198a1 }
.kernel { fill: #57606a; stroke: #57606a } .far { fill-opacity: 0; stroke-width: 1.5 }
.outlined { stroke: #24292f; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .bg { fill: #0d1117 } .soft { fill: #9198a1 }
  .grid { stroke: #2a313a } .axis, .roof { stroke: #9198a1 }
  .kernel { fill: #9198a1; stroke: #9198a1 } .outlined { stroke: #e6edf3 }
}
"""


class Picture:
    """An SVG under construction, and where its labels are."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.parts, self.taken = [], []

    def add(self, text):
        self.parts.append(text)

    def line(self, x1, y1, x2, y2, kind):
        self.add(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def text(self, x, y, text, kind="", anchor="start", turn=0.0):
        turned = f' transform="rotate({turn:.1f} {x:.1f} {y:.1f})"' if turn else ""
        self.add(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{turned}>'
                 f'{html.escape(text)}</text>')

    def mark(self, shape, x, y, style, size=5.0):
        if shape == "circle":
            self.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" {style}/>')
        elif shape == "square":
            self.add(f'<rect x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size:.1f}" '
                     f'height="{2 * size:.1f}" {style}/>')
        else:
            style = 'class="kernel far"' if shape == "far" else style
            points = f"{x:.1f},{y - size:.1f} {x - size:.1f},{y + size:.1f} {x + size:.1f},{y + size:.1f}"
            self.add(f'<polygon points="{points}" {style}/>')

    def take(self, x1, y1, x2, y2):
        self.taken.append((x1, y1, x2, y2))

    def is_free(self, box):
        return all(box[2] < b[0] or box[0] > b[2] or box[3] < b[1] or box[1] > b[3]
                   for b in self.taken)

    def label(self, x, y, text, bounds):
        """A small label at the nearest free place around a mark, with a line to it if far."""
        width, height = 6.3 * len(text) + 2, 12
        left, top, right, bottom = bounds
        for distance in range(9, 150, 6):
            for angle in (0, 20, -20, 40, -40, 60, 180, 160, 200, 90, 270, 120, 240):
                cx = x + distance * math.cos(math.radians(angle))
                cy = y + distance * math.sin(math.radians(angle))
                x1 = cx if math.cos(math.radians(angle)) > -0.1 else cx - width
                box = (x1, cy - height / 2, x1 + width, cy + height / 2)
                if box[0] < left or box[1] < top or box[2] > right or box[3] > bottom:
                    continue
                if not self.is_free(box):
                    continue
                self.take(*box)
                if distance > 18:
                    self.line(x, y, cx, cy, "leader")
                self.text(box[0] + 1, cy + 4, text, "small")
                return

    def write(self, path, title):
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
                       f'height="{self.height}" viewBox="0 0 {self.width} {self.height}" '
                       f'role="img">\n<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n'
                       f'<rect class="bg" width="{self.width}" height="{self.height}"/>\n')
            file.write("\n".join(self.parts) + "\n</svg>\n")
        print(f"wrote {path}")


def load(paths):
    """All rows by the name of their benchmark."""
    rows = collections.defaultdict(list)
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                    rows[row["bench"]].append(row)
                except (ValueError, KeyError, TypeError) as error:
                    raise ValueError(f"{path}: line {number} is no result: {error}") from None
    return rows


def medians(rows, keys, figure):
    """{values of keys: median of figure}, in the order of the rows; rows without are left out."""
    found = collections.OrderedDict()
    for row in rows:
        if row.get(figure) is not None and all(key in row for key in keys):
            found.setdefault(tuple(row[key] for key in keys), []).append(row[figure])
    return collections.OrderedDict((k, statistics.median(v)) for k, v in found.items())


def color(index):
    return COLORS[index % len(COLORS)]


# The roofline

class Axes:
    """Logarithmic axes."""

    def __init__(self, box, x_range, y_range):
        self.box, self.x_range, self.y_range = box, x_range, y_range

    def x(self, value):
        left, _, right, _ = self.box
        low, high = map(math.log10, self.x_range)
        return left + (right - left) * (math.log10(value) - low) / (high - low)

    def y(self, value):
        _, top, _, bottom = self.box
        low, high = map(math.log10, self.y_range)
        return bottom - (bottom - top) * (math.log10(value) - low) / (high - low)


def ticks(low, high):
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for step in (1, 2, 5):
            value = step * 10.0 ** power
            if low * 0.999 <= value <= high * 1.001:
                yield value


def roof_points(rows):
    """Points as (operations per byte, GFLOPS, shape, network or None, label or None)."""
    points = []
    best = {}
    ways = ("network", "form", "m", "n", "k", "way", "rows")
    for (network, form, m, n, k, way, _), rate in medians(rows["gemm"], ways, "gflops").items():
        if way != "blas, whole":  # the best of what Lamina can do
            best[network, form, m, n, k] = max(rate, best.get((network, form, m, n, k), 0.0))
    for (network, _, m, n, k), rate in best.items():
        points.append((m * n * k / (2.0 * (m * k + k * n + m * n)), rate, "circle", network, None))
    alone = [r for r in rows["train"] if r["threads"] == 1]
    intensity = medians(alone, ("network",), "flops_per_byte")
    for (network,), rate in medians(alone, ("network",), "gflops").items():
        if (network,) in intensity:
            points.append((intensity[network,], rate, "square", network, None))
    chosen = [r for r in rows["kernels"] if r.get("set") == r.get("instruction_set")]
    bandwidth = medians(chosen, ("kernel", "level"), "gb_per_s")
    speed = medians(chosen, ("kernel", "level"), "million_elements_per_s")
    for (kernel, level), rate in speed.items():
        operations = KERNEL_OPERATIONS.get(kernel)
        if operations and level in ("L2", "memory") and (kernel, level) in bandwidth:
            gflops = rate * operations * 1e-3
            points.append((gflops / bandwidth[kernel, level], gflops,
                           "far" if level == "memory" else "triangle", None, kernel))
    return points


def draw_axes(picture, axes):
    left, top, right, bottom = axes.box
    for value in ticks(*axes.x_range):
        picture.line(axes.x(value), top, axes.x(value), bottom, "grid")
        picture.text(axes.x(value), bottom + 17, f"{value:g}", "small", "middle")
    for value in ticks(*axes.y_range):
        picture.line(left, axes.y(value), right, axes.y(value), "grid")
        picture.text(left - 7, axes.y(value) + 4, f"{value:g}", "small", "end")
    picture.line(left, bottom, right, bottom, "axis")
    picture.line(left, top, left, bottom, "axis")
    picture.text((left + right) / 2, bottom + 38, "operations per byte", "", "middle")
    picture.text(left - 45, (top + bottom) / 2, "GFLOPS, one core", "", "middle", -90)


def place_along(picture, line, text):
    """Writes above a rising line, where no mark is."""
    x1, y1, x2, y2 = line
    slope = (y2 - y1) / (x2 - x1)
    turn, length = math.atan(slope), 6.4 * len(text)
    for start in range(16, max(17, int(math.hypot(x2 - x1, y2 - y1) - length)), 6):
        x = x1 + start * math.cos(turn) + 7 * math.sin(turn)
        y = y1 + start * math.sin(turn) - 7 * math.cos(turn)
        boxes = []  # the words, as a row of small squares
        for step in range(0, int(length), 6):
            cx = x + step * math.cos(turn) + 5 * math.sin(turn)
            cy = y + step * math.sin(turn) - 5 * math.cos(turn)
            boxes.append((cx - 6, cy - 6, cx + 6, cy + 6))
        if all(map(picture.is_free, boxes)):
            break
    for box in boxes:
        picture.take(*box)
    picture.text(x, y, text, "small", "start", math.degrees(turn))


def draw_roofs(picture, axes, peak, levels):
    low, right = axes.x_range[0], axes.box[2]
    knee = peak / max(levels.values())
    picture.line(axes.x(knee), axes.y(peak), right, axes.y(peak), "roof")
    text = f"FMA peak {peak:.0f} GFLOPS"
    picture.text(right - 6, axes.y(peak) - 7, text, "small", "end")
    picture.take(right - 6.5 * len(text), axes.y(peak) - 18, right, axes.y(peak) - 5)
    for name, rate in levels.items():
        start = max(low, axes.y_range[0] / rate)
        x1, y1, x2, y2 = axes.x(start), axes.y(start * rate), axes.x(peak / rate), axes.y(peak)
        picture.line(x1, y1, x2, y2, "roof")
        place_along(picture, (x1, y1, x2, y2), f"{name} {rate:.0f} GB/s")
        for step in range(0, 200):  # labels keep off the roof
            x = x1 + (x2 - x1) * step / 200
            y = y1 + (y2 - y1) * step / 200
            picture.take(x - 1, y - 1, x + 1, y + 1)


def draw_roof_legend(picture, x, y, networks, shapes):
    for i, network in enumerate(networks):
        picture.mark("circle", x + 6, y + 20 * i - 4, f'fill="{color(NETWORKS.index(network))}"')
        picture.text(x + 20, y + 20 * i, network)
    y += 20 * len(networks) + 14
    for i, (shape, text) in enumerate(shapes):
        picture.mark(shape, x + 6, y + 20 * i - 4, 'class="kernel"')
        picture.text(x + 20, y + 20 * i, text)


def draw_roofline(rows, path):
    machine = rows["machine"]
    levels = {level: rate for (level,), rate in
              medians(machine, ("level",), "triad_gb_per_s").items()}
    peaks = medians([r for r in machine if r.get("in_use") == "yes"], ("set",), "fma_gflops")
    points = roof_points(rows)
    if not levels or not peaks or not points:
        print(f"{path}: left alone, for want of results of machine and gemm, train or kernels")
        return
    (instruction_set,), peak = max(peaks.items(), key=lambda item: item[1])
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    low = min(min(xs) / 1.6, 0.8 * peak / max(levels.values()) / 4)
    axes = Axes((75, 45, 740, 500), (low, max(max(xs) * 1.6, 4 * peak / min(levels.values()))),
                (min(min(ys) / 2.5, low * min(levels.values()) * 1.5), peak * 1.6))
    picture = Picture(925, 560)
    fact = machine[0]
    picture.text(75, 26, f"{fact['processor']}, {instruction_set}, {fact['blas']}: one core",
                 "title")
    draw_axes(picture, axes)
    for x, y, _, _, _ in points:
        picture.take(axes.x(x) - 5, axes.y(y) - 5, axes.x(x) + 5, axes.y(y) + 5)
    draw_roofs(picture, axes, peak, levels)
    for x, y, shape, network, _ in points:
        fill = f'fill="{color(NETWORKS.index(network))}"' if network in NETWORKS else 'class="kernel"'
        opacity = {"circle": ' fill-opacity="0.55"', "square": ' class="outlined"'}.get(shape, "")
        picture.mark(shape, axes.x(x), axes.y(y), fill + opacity, 4.0 if shape == "circle" else 5.0)
    for x, y, _, _, label in points:
        if label:
            picture.label(axes.x(x), axes.y(y), label, axes.box)
    networks = [n for n in NETWORKS if any(p[3] == n for p in points)]
    texts = {"circle": "a product", "square": "training", "triangle": "a kernel in L2",
             "far": "a kernel in memory"}
    shapes = [(s, texts[s]) for s in texts if any(p[2] == s for p in points)]
    draw_roof_legend(picture, 760, 60, networks, shapes)
    picture.write(path, "Roofline of one core: products, kernels and training")


# Beside peers

def bars(rows):
    """{"train" or "infer": {network, with the batch of predictions: {peer: ratio}}}"""
    found = {"train": collections.OrderedDict(), "infer": collections.OrderedDict()}
    for row in rows:
        row.setdefault("batch", None)
    for (what, network, batch, peer), ratio in medians(
            rows, ("what", "network", "batch", "peer"), "ratio").items():
        if what not in found or ratio <= 0:
            continue
        many = what == "infer" and batch is not None
        title = f"{network}, {batch:g} {'row' if batch == 1 else 'rows'}" if many else network
        found[what].setdefault(title, {})[peer] = ratio
    return {what: groups for what, groups in found.items() if groups}


def draw_panel(picture, left, width, top, title, groups, peers, most):
    """Horizontal bars on a logarithmic scale from 1; returns where it ends."""
    low = min([0.5] + [0.8 * r for group in groups.values() for r in group.values()])
    axes = Axes((left + 110, 0, left + width - 50, 1), (low, most), (1, 10))
    bottom = top + 26 + sum(22 + 17 * len(group) for group in groups.values())
    picture.text(left, top, title, "title")
    last = -math.inf
    for value in ticks(low, most):
        x = axes.x(value)
        picture.line(x, top + 12, x, bottom, "axis" if value == 1 else "grid")
        if x - last > 24:
            picture.text(x, bottom + 15, f"{value:g}", "small", "middle")
            last = x
    y = top + 26
    for name, group in groups.items():
        picture.text(left, y + 5, name)
        y += 12
        for peer, ratio in sorted(group.items(), key=lambda item: item[1]):
            x1, x2 = sorted((axes.x(1), axes.x(ratio)))
            picture.text(left + 100, y + 11, peer, "small soft", "end")
            picture.add(f'<rect x="{x1:.1f}" y="{y + 1:.1f}" width="{max(x2 - x1, 1):.1f}" '
                        f'height="13" fill="{color(peers.index(peer))}"/>')
            picture.text(x2 + 5, y + 12, f"{ratio:.3g}", "small")
            y += 17
        y += 10
    picture.text((axes.x(low) + axes.x(most)) / 2, bottom + 35, "times faster", "", "middle")
    return bottom + 45


def draw_peers(rows, path):
    panels = bars(rows["peers"])
    if not panels:
        print(f"{path}: left alone, for want of results of peers")
        return
    peers = sorted({peer for groups in panels.values() for group in groups.values()
                    for peer in group})
    most = 1.2 * max([2.0] + [r for groups in panels.values() for g in groups.values()
                              for r in g.values()])
    titles = {"train": "Training: times faster than", "infer": "Prediction: times faster than"}
    width, picture = 440, Picture(20 + 460 * len(panels), 0)
    fact = rows["peers"][0]
    machine = ", ".join(str(fact[k]) for k in ("processor", "instruction_set", "cores") if k in fact)
    machine += " cores" if "cores" in fact else ""
    picture.text(20, 24, machine, "small soft")
    for i, (what, groups) in enumerate(panels.items()):
        end = draw_panel(picture, 20 + 460 * i, width, 52, titles[what], groups, peers, most)
        picture.height = max(picture.height, math.ceil(end))
    picture.write(path, "Times faster than other libraries")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="+", metavar="RESULTS.json")
    parser.add_argument("--out", default=os.path.join(ROOT, "docs"), metavar="DIR")
    options = parser.parse_args()
    try:
        rows = load(options.results)
        draw_roofline(rows, os.path.join(options.out, "roofline.svg"))
        draw_peers(rows, os.path.join(options.out, "peers.svg"))
    except (OSError, ValueError) as error:
        print(f"draw.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
