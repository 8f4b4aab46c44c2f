"""results.py: medians, ratios within rounds, a table for people and JSON lines for machines."""
import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

from contenders import ROOT
from networks import NETWORKS

WIDTHS = {"on": 2, "on ": 3, "network": 11, "peer": 17, "ours s": 9, "theirs s": 9, "ours us": 9,
          "theirs us": 9, "from..to": 14, "loss": 12, "accuracy": 14}


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def commit():
    try:
        return subprocess.run([str(ROOT / "bench" / "commit")], capture_output=True, text=True,
                              check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


class Report:
    """Rows as a table whose header comes when the keys change, or as JSON lines. `--json` prints
    the lines in place of the table, `--json FILE` writes them beside it; where LAMINA_BENCH_JSON
    names a file they are added to that, as by the other benchmarks."""

    def __init__(self, what, target):
        self.facts = {"bench": "peers", "what": what,
                      "date": datetime.datetime.now(datetime.timezone.utc)
                      .strftime("%Y-%m-%dT%H:%M:%SZ"),
                      "commit": commit(), "processor": processor(), "cores": os.cpu_count()}
        self.text = target != "-"
        self.files = [] if self.text else [sys.stdout]
        try:
            if self.text and target:
                self.files.append(open(target, "w"))
            if os.environ.get("LAMINA_BENCH_JSON"):
                self.files.append(open(os.environ["LAMINA_BENCH_JSON"], "a"))
        except OSError as error:
            print(f"cannot write '{error.filename}': {error.strerror}", file=sys.stderr)
            sys.exit(2)
        self.header = None
        self.say(f"{processor()}, {os.cpu_count()} cores; commit {self.facts['commit']}")

    def say(self, text):
        """To people: beside the table, or on standard error where JSON goes to standard output."""
        print(text, file=sys.stdout if self.text else sys.stderr, flush=True)

    def table(self, **cells):
        if not self.text:
            return
        texts = {key: value if isinstance(value, str) else f"{value:.4g}"
                 for key, value in cells.items()}
        if self.header != list(cells):
            self.header = list(cells)
            print("\n" + self.row({key: key for key in cells}))
        print(self.row(texts), flush=True)

    @staticmethod
    def row(texts):
        return "  ".join(text.ljust(WIDTHS[key]) if key in ("network", "peer")
                         else text.rjust(WIDTHS.get(key, max(len(key), 6)))
                         for key, text in texts.items())

    def line(self, **values):
        for file in self.files:
            print(json.dumps({**self.facts, **values}), file=file, flush=True)


def best(contenders, key):
    """The one of the lowest median."""
    return min(contenders, key=lambda c: statistics.median(c.seconds[key]))


def compare(report, running, network, key, factor, unit, **more):
    """Ours at its best beside each other one at its best: a row for each way to run it, a JSON line
    for each peer. `key` names what was measured; times are printed times `factor`."""
    having = [c for c in running if c.seconds.get(key)]
    if not any(c.peer == "lamina" for c in having):
        return
    ours = best([c for c in having if c.peer == "lamina"], key)
    our_median = statistics.median(ours.seconds[key])
    for peer in dict.fromkeys(c.peer for c in having if c.peer != "lamina"):
        ways = {}
        for contender in having:
            if contender.peer == peer:
                ways.setdefault(contender.variant, []).append(contender)
        ways = {variant: best(group, key) for variant, group in ways.items()}
        winner = best(list(ways.values()), key)
        for variant, theirs in ways.items():
            ratios = sorted(b / a for a, b in zip(ours.seconds[key], theirs.seconds[key]))
            median = statistics.median(theirs.seconds[key])
            name = theirs.name + (" *" if theirs is winner and len(ways) > 1 else "")
            cells = {"network": network.name, "peer": name,
                     **{k: str(v) for k, v in more.items() if k == "batch"},
                     f"ours {unit}": our_median * factor, "on": str(ours.threads),
                     f"theirs {unit}": median * factor, "on ": str(theirs.threads),
                     "times faster": f"{statistics.median(ratios):.2f}",
                     "from..to": f"{ratios[0]:.2f}..{ratios[-1]:.2f}", **theirs.notes}
            report.table(**cells)
            if theirs is winner:
                report.line(network=network.name, peer=peer, variant=variant,
                            version=theirs.version, threads=theirs.threads,
                            our_threads=ours.threads, ours=our_median, theirs=median,
                            ratio=statistics.median(ratios), ratio_low=ratios[0],
                            ratio_high=ratios[-1], rounds=len(ratios), our_version=ours.version,
                            variants={v: statistics.median(c.seconds[key])
                                      for v, c in ways.items()}, **more)


def arguments(description, **defaults):
    """The options all comparisons have. `defaults` gives those that differ."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("build", nargs="?", default=str(ROOT / "build"),
                        help="the build folder, or a program in it (default: build)")
    parser.add_argument("--json", nargs="?", const="-", metavar="FILE",
                        help="JSON lines in place of the table, or into FILE beside it")
    for name, value in defaults.items():
        kind = str if value is None else type(value)
        parser.add_argument("--" + name.replace("_", "-"), type=kind, default=value)
    return parser


def parse(parser):
    options = parser.parse_args()
    build = pathlib.Path(options.build)
    options.build = build.parent.parent if build.is_file() else build
    if not (options.build / "src" / "liblamina.so").exists():
        parser.error(f"no src/liblamina.so in '{options.build}': build Lamina there first")
    for name in ("rounds", "samples", "seconds", "epochs"):
        if getattr(options, name, 1) <= 0:
            parser.error(f"--{name} must be more than 0, not {getattr(options, name)}")
    if hasattr(options, "networks"):
        options.networks = options.networks.split(",") if options.networks else list(NETWORKS)
        for name in options.networks:
            if name not in NETWORKS:
                parser.error(f"no network '{name}'; there are {', '.join(NETWORKS)}")
    from contenders import PEERS
    options.peers = options.peers.split(",") if options.peers else None
    for name in options.peers or ():
        if not any(name in peers for peers in PEERS.values()):
            parser.error(f"no peer '{name}'")
    return options
