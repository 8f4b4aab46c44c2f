#!/usr/bin/env python3
"""draw_rooms.py: draws the rooms of src/ and the way of one batch through them, as docs/rooms.svg.

    draw_rooms.py            writes docs/rooms.svg
    draw_rooms.py --check    exits with 1 if that file is not what would be written

The rooms are the folders, the arrows the #include lines between them; an arrow that follows from
others is left out. Only the standard library is used.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "rooms.svg"

# The way of one batch: file of src/, what happens there.
WAY = [
    ("data/readers/load.c", "a file becomes a dataset"),
    ("data/order.c", "an epoch's order of samples is drawn"),
    ("fit/epochs/fit_loop.c", "the next batch is taken from it"),
    ("train/trainer.c", "a step begins: slabs of rows are given to threads"),
    ("data/source.c", "each thread gathers its rows"),
    ("train/workspace.c", "they pass through the layers ..."),
    ("nn/layers/dense.c", "... Y = f(X W + b)"),
    ("kernels/tiles.c", "... in tiles held in registers"),
    ("nn/losses.c", "loss, metrics and the gradient of the outputs"),
    ("train/forward_backward.c", "back through the layers: dL/dz of each"),
    ("train/weight_update.c", "a barrier; then each block of W: gradient, penalty, update"),
    ("fit/checkpoints/checkpoint_policy.c", "the state after the step may be saved"),
]

WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 980, 34, 26, 34, 24


def include_graph():
    """{room: rooms that its files include from}, in the order of src/meson.build."""
    text = (ROOT / "src" / "meson.build").read_text()
    block = re.search(r"foreach room : \[\n(.*?)\]", text, re.S).group(1)
    graph = {room: set() for room in re.findall(r"'([^']+)'", block)}
    for path in sorted((ROOT / "src").rglob("*.[ch]")):
        room = path.parent.relative_to(ROOT / "src").as_posix()
        for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', path.read_text(), re.M):
            used = name.rpartition("/")[0]
            if room in graph and used in graph and used != room:
                graph[room].add(used)
    return graph


def reachable(graph, room, seen=None):
    seen = set() if seen is None else seen
    for used in graph[room] - seen:
        seen.add(used)
        reachable(graph, used, seen)
    return seen


def reduced(graph):
    """Without arrows that follow from others."""
    return {room: {d for d in used if not any(d in reachable(graph, e) for e in used - {d})}
            for room, used in graph.items()}


def levels(graph):
    """Rooms by the longest way down; level 0 uses no other."""
    level = {}
    for room in graph:  # every room comes after those it uses
        level[room] = max((level[used] + 1 for used in graph[room]), default=0)
    rows = {}
    for room, number in level.items():
        rows.setdefault(number, []).append(room)
    return [rows[number] for number in sorted(rows)]


def place(rows, graph):
    """{room: (x, y, width)}, lowest row at the bottom, each row ordered by what it stands on."""
    where = {}
    for number, row in enumerate(rows):
        def over(room):
            below = [where[d][0] + where[d][2] / 2 for d in graph[room] if d in where]
            return sum(below) / len(below) if below else WIDTH / 2
        row = sorted(row, key=lambda room: (over(room), room))
        widths = [max(96, 8 * len(room) + 46) for room in row]
        x = (WIDTH - sum(widths) - GAP_X * (len(row) - 1)) / 2
        y = MARGIN + (len(rows) - 1 - number) * (BOX_HEIGHT + GAP_Y)
        for room, width in zip(row, widths):
            where[room] = (x, y, width)
            x += width + GAP_X
    return where


def text_at(x, y, text, size=13, colour="#1f2933", anchor="start", weight="normal"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{colour}" '
            f'text-anchor="{anchor}" font-weight="{weight}">{text}</text>')


def arrow(start, end):
    """From the bottom of one box to the top of another."""
    (x1, y1, w1), (x2, y2, w2) = start, end
    x1, y1, x2 = x1 + w1 / 2, y1 + BOX_HEIGHT, x2 + w2 / 2
    bend = (y2 - y1) / 2
    return (f'<path d="M{x1:.0f} {y1:.0f} C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} '
            f'{x2:.0f} {y2 - 2:.0f}" fill="none" stroke="#9aa5b1" marker-end="url(#head)"/>')


def box(room, where, steps):
    x, y, width = where
    parts = [f'<rect x="{x:.0f}" y="{y:.0f}" width="{width}" height="{BOX_HEIGHT}" rx="6" '
             'fill="#f5f7fa" stroke="#52606d"/>',
             text_at(x + 12, y + 19, room, weight="bold")]
    for i, step in enumerate(steps):
        cx = x + width - 13 - 20 * (len(steps) - 1 - i)
        parts.append(f'<circle cx="{cx:.0f}" cy="{y + BOX_HEIGHT - 3:.0f}" r="9" fill="#0b69a3"/>')
        parts.append(text_at(cx, y + BOX_HEIGHT + 1, str(step), 11, "#fff", "middle", "bold"))
    return "\n".join(parts)


def draw():
    graph = include_graph()
    rows = levels(graph)
    where = place(rows, graph)
    missing = [name for name, _ in WAY if not (ROOT / "src" / name).exists()]
    if missing:
        sys.exit("draw_rooms.py: the way of a batch names files that are gone: " + ", ".join(missing))
    top = MARGIN + len(rows) * (BOX_HEIGHT + GAP_Y) + 14
    height = top + 20 * len(WAY) + MARGIN
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
           f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
           "<title>The rooms of src/ and the way of one batch through them</title>",
           '<defs><marker id="head" markerWidth="7" markerHeight="7" refX="5" refY="3" '
           'orient="auto"><path d="M0 0L6 3L0 6z" fill="#9aa5b1"/></marker></defs>',
           f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>']
    for room, used in reduced(graph).items():
        out += [arrow(where[room], where[d]) for d in sorted(used)]
    for room in graph:
        steps = [n for n, (name, _) in enumerate(WAY, 1) if name.rpartition("/")[0] == room]
        out.append(box(room, where[room], steps))
    for n, (name, what) in enumerate(WAY, 1):
        y = top + 20 * n - 6
        out.append(f'<circle cx="{MARGIN + 9}" cy="{y - 4}" r="9" fill="#0b69a3"/>')
        out.append(text_at(MARGIN + 9, y, str(n), 11, "#fff", "middle", "bold"))
        out.append(text_at(MARGIN + 28, y, name, 12, weight="bold"))
        out.append(text_at(MARGIN + 290, y, what, 12))
    out.append("</svg>")
    return "\n".join(out) + "\n"


def main():
    if sys.argv[1:] == ["--check"]:
        if not PICTURE.exists() or PICTURE.read_text() != draw():
            sys.exit("docs/rooms.svg is not what src/ is today: run scripts/draw_rooms.py")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        PICTURE.write_text(draw())


if __name__ == "__main__":
    main()
