#!/usr/bin/env python3
"""Seconds of training until 0.88 of Fashion-MNIST's test images are right, Lamina and its peers.

usage: time_to_accuracy.py [BUILD] [--accuracy 0.88] [--rounds 3] [--epochs 20] [--limit 120]
                           [--samples 60000] [--peers pytorch,numpy] [--json [FILE]]

BUILD is the build folder or a program in it. bench/peers/install makes the Python environment to
run this with. 784-128-128-10, relu, Adam with rate 1e-3, batch 128, the same start values and
order of samples for everybody; FANN, which has none of this: tanh, sigmoid outputs, a step after
each sample with rate 0.01. A round has start values and orders of its own, and everybody trains one
epoch in turn until there, or until --epochs or --limit seconds are used up. Only training counts:
loading, imports and the test after each epoch count for nobody.
"""
import sys
import tempfile

import contenders
import networks
import results


def run_round(report, programs, options, seed, test):
    """A round with its own seed; returns (who took part, whether all went well)."""
    network = networks.Network("fashion")
    with tempfile.TemporaryDirectory(prefix="lamina-peers-") as folder:
        x, _, _ = networks.write(folder, network, options.samples, options.epochs, seed, test)
        samples = len(x) - len(test[0])
        with contenders.Field(programs, folder, "accuracy", report.say, options.peers) as field:
            for contender in field.running:
                contender.spent, contender.accuracy, contender.there = 0.0, 0.0, False
            for epoch in range(options.epochs):
                def turn(contender):
                    if contender.there or contender.spent > options.limit:
                        return
                    contender.spent += contender.train(epoch, samples)
                    contender.epochs = epoch + 1
                    y = contender.outputs(samples, len(test[0]))
                    contender.accuracy = networks.accuracy(y, test[1])
                    contender.there = contender.accuracy >= options.accuracy

                field.each(turn, epoch)
            return field.running, not field.failed


def gather(everybody, running):
    """Puts the seconds of this round to those of the rounds before."""
    for contender in running:
        key = contender.peer, contender.variant, contender.threads
        first = everybody.setdefault(key, contender)
        if first is contender:
            contender.each_there, contender.each_epochs, contender.accuracies = [], [], []
        first.seconds.setdefault("there", []).append(contender.spent)
        first.each_there.append(contender.there)
        first.each_epochs.append(contender.epochs)
        first.accuracies.append(contender.accuracy)


def main():
    parser = results.arguments(__doc__.splitlines()[0], peers="", accuracy=0.88, rounds=3,
                               epochs=20, limit=120.0, samples=60000)
    options = results.parse(parser)
    test = networks.images("t10k")
    if not test or not networks.images("train"):
        parser.error(f"no Fashion-MNIST in '{networks.DATA}'")
    report = results.Report("accuracy", options.json)
    report.say(f"seconds of training until {options.accuracy} of the test images are right; "
               f"medians of {options.rounds} rounds;\n'on' so many threads, the best of 1 and 2; "
               "* the best way to run a peer; loading and testing count for nobody")
    programs = contenders.Programs(options.build)
    everybody, good = {}, True
    for seed in range(1, options.rounds + 1):
        running, fine = run_round(report, programs, options, seed, test)
        gather(everybody, running)
        good &= fine
    arrived = []
    for contender in everybody.values():
        contender.notes["epochs"] = ",".join(map(str, contender.each_epochs))
        if all(contender.each_there) and len(contender.each_there) == options.rounds:
            arrived.append(contender)
            continue
        report.say(f"{contender.name} with {contender.threads} thread(s): not reached in "
                   f"{max(contender.seconds['there']):.1f} s of training: "
                   f"{min(contender.accuracies):.4f}")
        report.line(network="fashion", peer=contender.peer, variant=contender.variant,
                    threads=contender.threads, reached=False, accuracy=min(contender.accuracies),
                    seconds=max(contender.seconds["there"]))
    results.compare(report, arrived, networks.Network("fashion"), "there", 1.0, "s", reached=True,
                    accuracy=options.accuracy)
    ours = [c for c in arrived if c.peer == "lamina"]
    if ours:
        report.say(f"Lamina's epochs: {ours[0].notes['epochs']}")
    return 0 if good and ours else 1


if __name__ == "__main__":
    sys.exit(main())
