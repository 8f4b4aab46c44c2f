#!/usr/bin/env python3
"""kill_and_resume.py LAMINA KILLS: a training run that is killed (SIGKILL) at KILLS random moments
and resumed each time ends in the same file, to the byte, as one that is left alone.

Prints how far the run came between the kills. Needs the standard library only.
"""
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

LIFE = 0.09  # seconds between two kills, on average, less what a start takes


def train(lamina, output, epochs, *more):
    return [lamina, "train", "spiral", "-o", output, "--quiet", "--epochs", str(epochs), "--layers",
            "24:relu,dropout:0.1,3:softmax", "--samples", "1500", "--validation-split", "0.2",
            *more]


def main():
    lamina, kills = sys.argv[1], int(sys.argv[2])
    draw = random.Random(kills)
    with tempfile.TemporaryDirectory(prefix="lamina-kill-") as name:
        folder = pathlib.Path(name)
        start = time.monotonic()
        subprocess.run(train(lamina, folder / "probe", 1), check=True)
        begin = time.monotonic() - start
        start = time.monotonic()
        subprocess.run(train(lamina, folder / "probe", 101), check=True)
        epoch = max(1e-4, (time.monotonic() - start - begin) / 100)
        epochs = 50 + int(kills * LIFE / epoch)  # more work than the lives have time for
        subprocess.run(train(lamina, folder / "whole", epochs), check=True)

        killed = reported = 0
        command = train(lamina, folder / "parts", epochs, "--checkpoint", folder / "run",
                        "--checkpoint-every", "20 steps", "--resume")
        while killed < kills:
            run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                _, errors = run.communicate(timeout=draw.uniform(0, 2 * LIFE) + begin / 2)
                if run.returncode != 0:
                    sys.exit(f"after {killed} kills: {errors.decode()}")
                break
            except subprocess.TimeoutExpired:
                run.send_signal(signal.SIGKILL)
                _, errors = run.communicate()
                killed += run.returncode == -signal.SIGKILL
            reported += b"damaged" in errors or b"cannot" in errors
        newest = max((folder / "run").glob("checkpoint-*"), default=folder / "none")
        subprocess.run(command, check=True)
        left = sorted(path.name for path in (folder / "run").iterdir())
        same = (folder / "whole").read_bytes() == (folder / "parts").read_bytes()
        print(f"{killed} kills in {epochs} epochs, the last after {newest.name}; "
              f"{reported} damaged checkpoints; left: {left}; files equal: {same}")
        tidy = all(name.startswith("checkpoint-") for name in left) and len(left) <= 3
        sys.exit(0 if same and tidy and not reported and killed == kills else 1)


if __name__ == "__main__":
    main()
