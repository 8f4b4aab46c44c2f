#!/usr/bin/env python3
"""interop_tables.py LAMINA: the command on scikit-learn's tables, beside its own networks.

Exports iris, wine, breast cancer and diabetes as CSV files, with column names, classes as texts and
as numbers; trains a network of one hidden layer on three quarters of the rows and compares what it
gets right on the rest with MLPClassifier or MLPRegressor on the same rows. The values the library
reads are those of scikit-learn: the splits are written by this program. Exit status 77 (skipped)
without scikit-learn and pandas.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from sklearn import datasets, model_selection, neural_network, preprocessing
except ImportError:
    print("scikit-learn is not here")
    sys.exit(77)


def run(lamina, *args):
    done = subprocess.run([lamina, *map(str, args)], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise SystemExit(f"{args}: {done.stderr}")
    return done.stdout


def theirs(x, y, classes):
    x_train, x_test, y_train, y_test = x[0], x[1], y[0], y[1]
    scaler = preprocessing.StandardScaler().fit(x_train)
    kind = neural_network.MLPClassifier if classes else neural_network.MLPRegressor
    network = kind(hidden_layer_sizes=(64,), max_iter=300, learning_rate_init=0.005, random_state=1)
    network.fit(scaler.transform(x_train), y_train)
    predicted = network.predict(scaler.transform(x_test))
    return np.mean(predicted == y_test) if classes else np.mean((predicted - y_test) ** 2)


def main():
    lamina = sys.argv[1]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name in ["iris", "wine", "breast_cancer", "diabetes"]:
            data = getattr(datasets, f"load_{name}")(as_frame=True)
            frame, classes = data.frame.copy(), name != "diabetes"
            if name == "iris":  # classes as texts, and a comma in a name
                frame["target"] = [f"Iris, {data.target_names[i]}" for i in frame["target"]]
            train, test = model_selection.train_test_split(
                frame, test_size=0.25, random_state=1,
                stratify=frame["target"] if classes else None)
            train.to_csv(folder / "train.csv", index=False)
            test.to_csv(folder / "test.csv", index=False)
            model = folder / f"{name}.safetensors"
            out = f"64:relu,{frame['target'].nunique()}:softmax" if classes else "64:relu,1:linear"
            run(lamina, "train", folder / "train.csv", "-o", model, "--layers", out, "--epochs", 100,
                "--batch-size", 32, "--learning-rate", 0.005, "-q")
            scores = json.loads(run(lamina, "evaluate", model, folder / "test.csv", "--json"))
            features = [frame.columns[:-1].tolist()]
            expected = theirs([part[features[0]].to_numpy() for part in (train, test)],
                              [part["target"].to_numpy() for part in (train, test)], classes)
            ours = scores["accuracy"] if classes else scores["loss"]
            good = ours >= expected - 0.06 if classes else ours <= 1.3 * expected
            print(f"{name}: {'accuracy' if classes else 'squared error'} {ours:.4g}, "
                  f"scikit-learn's {expected:.4g}{'' if good else '  WRONG'}")
            wrong += not good
            # without the target, the columns in another order: the same predictions
            first = run(lamina, "predict", model, folder / "test.csv")
            test[features[0][::-1]].to_csv(folder / "test.csv", index=False)
            if run(lamina, "predict", model, folder / "test.csv") != first:
                print(f"{name}: other predictions without the target  WRONG")
                wrong += 1
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
