#!/usr/bin/env python3
"""Runs the same networks in Lamina and in its peers, in turns: time of a call, times faster.

usage: compare_inference.py [BUILD] [--networks fashion,wide] [--peers pytorch,onnxruntime]
                            [--batches 1,64,1024] [--rounds 7] [--seconds 0.2] [--json [FILE]]

BUILD is the build folder or a program in it. bench/peers/install makes the Python environment to
run this with. Everybody gets the same weights and the same floats, already scaled; outputs of each
batch size are compared with a computation in double and with Lamina's. A turn is --seconds of calls
on rows that change from call to call, whose median counts; the best number of threads is taken for
each; ratios are formed within rounds. Lamina, ONNX Runtime, oneDNN and FANN are called from C,
PyTorch, scikit-learn and NumPy from Python, as their users do: in small calls much of their time is
Python's.
"""
import sys
import tempfile
import time

import contenders
import networks
import results

TOLERANCE = 1e-4  # of an output, all of which are probabilities
SETTLE = 0.02     # seconds until threads that spin have gone to sleep
WARM = 0.02       # seconds of calls before the first turn


def write_models(folder, network, pairs, batches, say):
    try:
        import onnx_model
    except ImportError as error:
        say(f"onnxruntime: not here: no model for it: {error}")
        return False
    for rows in batches:
        onnx_model.write(f"{folder}/model-{rows}.onnx", network, pairs, rows)
    return True


def check(field, network, pairs, x, rows):
    """Everybody's outputs for one batch."""
    ours = []

    def turn(contender):
        hidden = contenders.OTHER_HIDDEN.get(contender.peer)
        y = contender.outputs(0, rows)
        off = abs(y - network.reference(pairs, x[:rows], hidden)).max()
        if contender.peer == "lamina":
            ours.append(y)
        elif ours and not hidden:
            off = max(off, abs(y - ours[0]).max())
        if not off < TOLERANCE:
            raise contenders.Missing(f"outputs for {rows} rows are off by {off:.3g}")
        contender.notes["off by"] = f"{off:.0e}"

    field.each(turn)


def measure(field, rows, options):
    """A batch size stays as it is for all rounds: some peers make a plan for each."""
    field.each(lambda contender: contender.call(rows, WARM))
    for i in range(options.rounds):
        def turn(contender):
            time.sleep(SETTLE)
            contender.seconds.setdefault(rows, []).append(contender.call(rows, options.seconds))

        field.each(turn, i)


def run(report, programs, options, name):
    network = networks.Network(name)
    with tempfile.TemporaryDirectory(prefix="lamina-peers-") as folder:
        most = max(options.batches + [1024])
        x, _, pairs = networks.write(folder, network, most, 1)
        peers = options.peers or list(contenders.PEERS["infer"])
        if "onnxruntime" in peers and not write_models(folder, network, pairs, options.batches,
                                                       report.say):
            peers = [peer for peer in peers if peer != "onnxruntime"]
        with contenders.Field(programs, folder, "infer", report.say, peers) as field:
            for rows in options.batches:
                check(field, network, pairs, x, rows)
                measure(field, rows, options)
                results.compare(report, field.running, network, rows, 1e6, "us", batch=rows)
            return not field.failed


def main():
    parser = results.arguments(__doc__.splitlines()[0], networks="", peers="", batches="1,64,1024",
                               rounds=7, seconds=0.2)
    options = results.parse(parser)
    try:
        options.batches = [int(word) for word in options.batches.split(",")]
    except ValueError:
        parser.error(f"--batches takes numbers with commas between, not '{options.batches}'")
    if min(options.batches) < 1 or max(options.batches) > 65536:
        parser.error(f"--batches must be 1..65536, not '{options.batches}'")
    report = results.Report("infer", options.json)
    report.say(f"inference: {options.rounds} rounds in turns, medians of a call; 'on' so many "
               "threads, the best of\n1 and 2; * the best way to run a peer; FANN: tanh hidden "
               "layers; pytorch, scikit-learn, numpy: from Python")
    programs = contenders.Programs(options.build)
    good = [run(report, programs, options, name) for name in options.networks]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
