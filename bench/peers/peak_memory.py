#!/usr/bin/env python3
"""Peak memory of training on Fashion-MNIST: Lamina's and PyTorch's, each in a process of its own.

usage: peak_memory.py [BUILD] [--samples 60000] [--json [FILE]]

BUILD is the build folder or a program in it. bench/peers/install makes the Python environment to
run this with. The network is 784-128-128-10, Adam, batch 128; the figure is the largest resident
size (VmHWM) of the whole process after one epoch, code and libraries included, in MB of 1e6 bytes.
Lamina holds the samples as bytes; PyTorch as floats, as is usual ("eager"), and as bytes that are
converted batch by batch ("bytes"). The command `lamina train` is measured too: it reads the gzipped
files by itself.
"""
import os
import subprocess
import sys
import tempfile
import time

import contenders
import networks
import results


def command_memory(build, folder, samples):
    """Of the command; None where it or the images are not here."""
    program = build / "src" / "cli" / "lamina"
    if not program.exists() or not networks.images("train"):
        return None
    process = subprocess.Popen(
        [str(program), "train", str(networks.DATA), "-o", os.path.join(folder, "m.safetensors"),
         "--layers", "128:relu,128:relu,10:softmax", "--epochs", "1", "--limit", str(samples)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, contenders.peak_memory(process.pid))
        time.sleep(0.002)
    return peak if process.returncode == 0 else None


def main():
    parser = results.arguments(__doc__.splitlines()[0], samples=60000, peers="")
    options = results.parse(parser)
    report = results.Report("memory", options.json)
    report.say("peak memory of a process that trains fashion for one epoch, MB of 1e6 bytes")
    network = networks.Network("fashion")
    programs = contenders.Programs(options.build)
    peaks = {}
    with tempfile.TemporaryDirectory(prefix="lamina-peers-") as folder:
        networks.write(folder, network, options.samples, 1)
        for threads in contenders.THREADS:
            with contenders.Field(programs, folder, "memory", report.say, options.peers,
                                  [threads]) as field:
                def turn(contender):
                    contender.train(0, options.samples)
                    peaks[contender.peer, contender.variant, threads] = contender.peak_memory()

                field.each(turn)
        command = command_memory(options.build, folder, options.samples)
    ours = max((mb for (peer, _, _), mb in peaks.items() if peer == "lamina"), default=None)
    if ours is None:
        return 1
    for (peer, variant, threads), mb in peaks.items():
        name = f"{peer} {variant}".strip()
        report.table(network=network.name, peer=name, on=str(threads), MB=f"{mb:.1f}",
                     **{"times ours": "" if peer == "lamina" else f"{mb / ours:.2f}"})
        if peer != "lamina":
            report.line(network=network.name, peer=peer, variant=variant, threads=threads,
                        samples=options.samples, ours=ours, theirs=mb, ratio=mb / ours)
    if command:
        report.table(network=network.name, peer="lamina train", on="-", MB=f"{command:.1f}",
                     **{"times ours": ""})
        report.line(network=network.name, peer="lamina train", samples=options.samples,
                    ours=command)
    return 0


if __name__ == "__main__":
    sys.exit(main())
