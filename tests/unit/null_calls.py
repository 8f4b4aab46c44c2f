#!/usr/bin/env python3
"""null_calls.py: each public function called with NULL for its pointers, all and one by one.

    null_calls.py HEADERS SYMBOLS OUT DEPENDENCIES

writes calls CALL("what", call) for test_null.c, and the headers as dependencies.

A pointer that is not NULL is a variable of test_null.c for the types below, else zeroed memory, and
so are structs where numbers are 0.
"""
import pathlib
import re
import sys


VALID = {
    "const char *": "text",
    "const char *const *": "texts",
    "lam_model *": "model",
    "lam_dataset *": "dataset",
    "lam_trainer *": "trainer",
    "lam_predictor *": "predictor",
    "lam_batches *": "batches",
    "lam_checkpoint *": "checkpoint",
    "lam_quantized *": "quantized",
    "lam_batch *": "&batch",
    "lam_fit_options *": "&fit_options",
    "lam_load_options *": "&load_options",
    "lam_import_options *": "&import_options",
    "lam_export_options *": "&export_options",
    "lam_dense_options *": "&dense_options",
    "lam_layer_norm_options *": "&layer_norm_options",
    "lam_batches_options *": "&batches_options",
    "lam_predictor_options *": "&predictor_options",
}


def declarations(folder):
    """Names and parameters [(type, name)] of what the headers declare with LAM_API."""
    for header in sorted(folder.glob("*.h")):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        for found in re.finditer(r"^LAM_API\b[^;(]*?\b(lam_\w+)\(([^;]*)\);", text, re.M):
            parameters = []
            for words in found[2].split(","):
                words = " ".join(words.split())
                if words != "void":
                    parameters.append(re.fullmatch(r"(.*?[ *])(\w+)", words).groups())
            yield found[1], [(kind.strip(), name) for kind, name in parameters]


def value(kind, scalar):
    """A valid argument of this type."""
    if "*" not in kind:
        return f"({kind}){scalar}"
    valid = VALID.get(kind, VALID.get(kind.removeprefix("const "), "memory"))
    if scalar == 0 and valid.startswith("&"):
        valid = "memory"
    return f"({kind}){valid}"


def argument(parameters, i, scalar):
    """As value(); the size of a struct is that of the one before it."""
    kind, name = parameters[i]
    before = parameters[i - 1][0].removeprefix("const ").removesuffix(" *") if i else ""
    if name == "size" and scalar == 1 and before.startswith("lam_"):
        return f"sizeof({before})"
    return value(kind, scalar)


def calls(name, parameters):
    pointers = [i for i, (kind, _) in enumerate(parameters) if "*" in kind]
    if not pointers:
        return
    for scalar in 0, 1:
        filled = any(value(kind, 1) != value(kind, 0) for i, (kind, _) in enumerate(parameters)
                     if i in pointers)
        sets = [pointers] + [[]] * (filled and scalar == 0) + [[i] for i in pointers if len(pointers) > 1]
        for nulls in sets:
            arguments = [f"({kind})0" if i in nulls else argument(parameters, i, scalar)
                         for i, (kind, _) in enumerate(parameters)]
            what = ", ".join(("NULL" if i in nulls else parameters[i][1])
                             for i in range(len(parameters)))
            yield f'CALL("{name}({what}), numbers {scalar}", {name}({", ".join(arguments)}))'


def main():
    folder, symbols, out, dependencies = map(pathlib.Path, sys.argv[1:])
    found = dict(declarations(folder))
    missing = set(symbols.read_text().split()) ^ set(found)
    if missing:
        sys.exit(f"declared or exported, not both: {', '.join(sorted(missing))}")
    lines = [line for name in sorted(found) for line in calls(name, found[name])]
    out.write_text("\n".join(lines) + "\n")
    dependencies.write_text(f"{out}: {' '.join(map(str, sorted(folder.glob('*.h'))))}\n")


if __name__ == "__main__":
    main()
