#!/usr/bin/env python3
"""Shows the results of scripts/bench, and how two of them differ.

usage: compare.py OLD.json NEW.json [--moved]     ratios NEW / OLD
       compare.py FILE.json                       medians and spreads

A file holds JSON lines, one a result, with every result as often as the benchmarks were run. What
identifies a result are its words and its counts (network, threads, batch, ...); what was measured
are the figures whose names say a unit or a ratio. Of each figure the median over the runs is
compared. The noise of a comparison is the range of the old runs plus the range of the new ones, as
shares of their medians, and at least 1%: a figure whose ratio is farther from 1 has moved. With a
single run on either side the noise is unknown and nothing is marked.
"""
import argparse
import collections
import json
import re
import signal
import statistics
import sys

FACTS = ("date", "commit", "processor", "cores", "blas", "instruction_set")
LOWER = re.compile(r"(^|_)(milliseconds|seconds|ns|us|ms|mb)(_|$)|_over_")
HIGHER = re.compile(r"gflops|_per_s$|_per_second$|^share_|^speedup$|^times_|^ratio$")
# Neither what identifies a result nor how fast something is.
IGNORED = {"calls", "residual", "target", "rounds", "flops_per_byte"}
# Where the first is there, the others say the same again.
SAME = ({"seconds", "median_us", "phase_us", "ns_per_element", "milliseconds"},
        {"samples_per_second", "gflops", "gb_per_s", "million_elements_per_s", "share_of_triad"})
LEAST_NOISE = 0.01


class Results:
    """results[identity][figure] = values of all runs; facts = what was said of the machine."""

    def __init__(self, path):
        self.path = path
        self.facts = {name: [] for name in FACTS}
        self.results = collections.OrderedDict()
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    self.add(line, number)
        if not self.results:
            raise ValueError(f"{path}: no results")

    def add(self, line, number):
        try:
            row = json.loads(line)
            bench = row["bench"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.path}: line {number} is no result: {error}") from None
        for name in FACTS:
            if name in row and row[name] not in self.facts[name]:
                self.facts[name].append(row[name])
        identity, figures = [("bench", bench)], {}
        for key, value in row.items():
            if key == "bench" or key in IGNORED or (key in FACTS and key != "instruction_set"):
                continue
            if direction(key) and not isinstance(value, str):
                figures[key] = value
            elif isinstance(value, (str, int)):
                identity.append((key, value))
        runs = self.results.setdefault(tuple(identity), {})
        for key, value in figures.items():
            if value is not None:
                runs.setdefault(key, []).append(value)

    def one_set(self):
        return len(self.facts["instruction_set"]) <= 1

    def without_set(self):
        """The instruction set tells results of one file apart only where there are several."""
        self.results = collections.OrderedDict(
            (tuple(part for part in identity if part[0] != "instruction_set"), figures)
            for identity, figures in self.results.items())


def direction(key):
    """-1: less is better, 1: more is better, 0: not a figure."""
    if HIGHER.search(key):
        return 1
    return -1 if LOWER.search(key) else 0


def spread(values):
    """The range of the runs as a share of their median; None for one run."""
    middle = abs(statistics.median(values))
    if len(values) < 2:
        return None
    return (max(values) - min(values)) / middle if middle else 0.0


def title(identity):
    return " ".join(str(value) if isinstance(value, str) else f"{key}={value}"
                    for key, value in identity if key != "instruction_set")


def wanted(figures):
    """Without what another figure says already, and the speed-up of what is compared with."""
    same = SAME[1] if SAME[0] & figures.keys() else set()
    return [key for key, values in figures.items()
            if key not in same and not (key == "speedup" and set(values) == {1})]


def short(value):
    return f"{value:.0f}" if abs(value) >= 1e5 else f"{value:.4g}"


def share(value):
    return "?" if value is None else f"{100 * value:.1f}%"


def table(rows):
    """Rows of strings, the first the header; the first two columns to the left."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        print("  ".join(cell.ljust(width) if i < 2 or i == 6 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))).rstrip())


def show(results):
    for name in FACTS:
        facts = results.facts[name][:1] if name == "date" else results.facts[name]
        print(f"{name:<16} {', '.join(map(str, facts))}")
    rows = [["result", "figure", "median", "range", "runs"]]
    for identity, figures in results.results.items():
        for key, values in figures.items():
            rows.append([title(identity), key, short(statistics.median(values)),
                         share(spread(values)), str(len(values))])
    print()
    table(rows)


def verdict(key, ratio, noise):
    if noise is None:
        return "one run: noise unknown"
    if abs(ratio - 1) <= noise:
        return ""
    return "BETTER" if (ratio > 1) == (direction(key) > 0) else "WORSE"


def compare_figure(key, old, new):
    before, after = statistics.median(old), statistics.median(new)
    if not before:
        return None
    ratio = after / before
    spreads = (spread(old), spread(new))
    noise = None if None in spreads else max(LEAST_NOISE, sum(spreads))
    return [key, short(before), short(after), f"{ratio:.3f}", share(noise),
            verdict(key, ratio, noise)]


def compare(old, new, only_moved):
    for name in FACTS:
        before, after = old.facts[name], new.facts[name]
        same = before == after
        if name == "date":
            before, after = before[:1], after[:1]
        text = ", ".join(map(str, before)) + ("" if same else "  ->  " + ", ".join(map(str, after)))
        careful = name in ("processor", "cores") and not same
        print(f"{name:<16} {text}{'   (another machine)' if careful else ''}")
    if old.one_set() and new.one_set():
        old.without_set()
        new.without_set()
    rows, counts = [["result", "figure", "old", "new", "new/old", "noise", ""]], collections.Counter()
    for identity, figures in new.results.items():
        before = old.results.get(identity, {})
        for key in wanted(figures):
            cells = compare_figure(key, before[key], figures[key]) if key in before else None
            if not cells:
                continue
            counts[cells[-1]] += 1
            if cells[-1] in ("BETTER", "WORSE") or not only_moved:
                rows.append([title(identity)] + cells)
    print()
    table(rows)
    print(f"\n{sum(counts.values())} figures: {counts['BETTER']} better, {counts['WORSE']} worse "
          f"beyond the noise")
    for name, here, there in (("old", old, new), ("new", new, old)):
        alone = [title(i) for i in here.results if i not in there.results]
        if alone:
            print(f"only in {name} ({len(alone)}): {'; '.join(alone[:5])}"
                  f"{' ...' if len(alone) > 5 else ''}")


def main():
    parser = argparse.ArgumentParser(description="Shows results of scripts/bench, or compares two.")
    parser.add_argument("files", nargs="+", metavar="FILE.json", help="results, or OLD and NEW")
    parser.add_argument("--moved", action="store_true", help="only what moved beyond the noise")
    options = parser.parse_args()
    if len(options.files) > 2:
        parser.error(f"one file or two, not {len(options.files)}")
    try:
        files = [Results(path) for path in options.files]
    except (OSError, ValueError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    if len(files) == 1:
        show(files[0])
    else:
        compare(*files, options.moved)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # | head
    sys.exit(main())
