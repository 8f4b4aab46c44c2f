#!/usr/bin/env python3
"""Trains the same networks in Lamina and in its peers, in turns: seconds per epoch, times faster.

usage: compare_training.py [BUILD] [--networks fashion,wide] [--peers pytorch,numpy] [--rounds 5]
                           [--samples 60000] [--json [FILE]]

BUILD is the build folder or a program in it. bench/peers/install makes the Python environment to
run this with. Everybody starts from the same weights, takes the same samples in the same order and,
but for what the notes name, the same recipe; each holds the samples in memory as suits it (Lamina
as bytes, the others as floats already scaled). A round is one epoch of everybody with one and with
two threads; the best number of threads is taken for each; ratios are formed within rounds. An epoch
is the same kind of work throughout, so FANN, which takes minutes for one, runs a share of it that
is scaled up.
"""
import sys
import tempfile

import contenders
import networks
import results

CHECKED = 2000  # samples whose loss is looked at
SAME_LOSS = 0.2  # share by which the same recipe may end elsewhere than with Lamina, by rounding
FANN_MULTIPLICATIONS = 1.5e9  # of a turn: some seconds


def share(peer, network, samples):
    """Samples of a turn."""
    if peer != "fann":
        return samples
    return max(min(samples, int(FANN_MULTIPLICATIONS / network.multiplications / 3)), 1)


def open_round(field, network, samples, x, y, pairs):
    """Warms up; weights must have arrived: the outputs before training are known."""
    warm = min(samples, 4 * network.batch + samples % network.batch)

    def turn(contender):
        before = contender.outputs(0, min(CHECKED, samples))
        if contender.peer not in contenders.OTHER_HIDDEN:
            off = abs(before - network.reference(pairs, x[:len(before)])).max()
            if not off < 1e-4:
                raise contenders.Missing(f"outputs before training are off by {off:.3g}")
        squared = contender.peer in contenders.MEAN_SQUARED
        contender.before = networks.loss(before, y[:len(before)], squared)
        contender.train(0, warm if contender.peer != "fann" else 1)

    field.each(turn)


def close_round(field, network, samples, y):
    """Losses must have fallen, and with the same recipe to the same value."""
    ours = []
    dropout = any(layer[2] for layer in network.layers)

    def turn(contender):
        after = contender.outputs(0, min(CHECKED, samples))
        squared = contender.peer in contenders.MEAN_SQUARED
        loss = networks.loss(after, y[:len(after)], squared)
        contender.notes["loss"] = f"{contender.before:.3f}->{loss:.3f}"
        if not loss < contender.before:
            raise contenders.Missing(f"the loss went from {contender.before:.4g} to {loss:.4g}")
        if contender.peer == "lamina":
            ours.append(loss)
        elif ours and not dropout and not squared and \
                abs(loss - ours[0]) > SAME_LOSS * ours[0] + 0.005:
            raise contenders.Missing(f"the loss became {loss:.4g}, Lamina's {ours[0]:.4g}")

    field.each(turn)


def run(report, programs, options, name):
    network = networks.Network(name)
    with tempfile.TemporaryDirectory(prefix="lamina-peers-") as folder:
        x, y, pairs = networks.write(folder, network, options.samples, options.rounds)
        samples = len(x)
        with contenders.Field(programs, folder, "train", report.say, options.peers) as field:
            open_round(field, network, samples, x, y, pairs)
            for i in range(options.rounds):
                def turn(contender):
                    count = share(contender.peer, network, samples)
                    seconds = contender.train(i, count) * samples / count
                    contender.seconds.setdefault("epoch", []).append(seconds)

                field.each(turn, i)
            close_round(field, network, samples, y)
            results.compare(report, field.running, network, "epoch", 1.0, "s", batch=network.batch,
                            samples=samples)
            return not field.failed


def main():
    parser = results.arguments(__doc__.splitlines()[0], networks="", peers="", rounds=5,
                               samples=60000)
    options = results.parse(parser)
    report = results.Report("train", options.json)
    report.say(f"training: {options.rounds} rounds in turns, {options.samples} samples per epoch, "
               "medians;\n'on' so many threads, the best of 1 and 2; * the best way to run a peer; "
               "scikit-learn and FANN train\nwithout dropout; FANN: tanh, squared error, a step a "
               "sample, scaled up from a share of an epoch")
    programs = contenders.Programs(options.build)
    good = [run(report, programs, options, name) for name in options.networks]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
