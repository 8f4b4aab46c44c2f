#!/usr/bin/env python3
"""make_polynomials.py: derives the coefficients of src/kernels/vec_math.h (needs mpmath, numpy).

Remez exchange for the weighted minimax polynomial; then the coefficients are rounded to single
precision one at a time, lowest power first, and the others fitted again around it.
"""
import mpmath as mp
import numpy as np

mp.mp.prec = 120


def remez(target, weight, basis):
    """Coefficients c that minimize max |weight (target - basis c)|, and that maximum."""
    points, n = basis.shape
    pick = np.round((1 - np.cos(np.pi * np.arange(n + 1) / n)) / 2 * (points - 1)).astype(int)
    for _ in range(100):
        signs = (-1.0) ** np.arange(n + 1)
        solution = np.linalg.solve(np.column_stack([basis[pick], signs / weight[pick]]),
                                   target[pick])
        error = weight * (target - basis @ solution[:n])
        # One extremum in each run of equal signs; keep n + 1 neighbours with the largest ends.
        starts = np.flatnonzero(np.diff(np.sign(error)) != 0) + 1
        runs = np.split(np.arange(points), starts)
        found = [run[np.argmax(np.abs(error[run]))] for run in runs]
        while len(found) > n + 1:
            found.pop(0 if abs(error[found[0]]) < abs(error[found[-1]]) else -1)
        if len(found) < n + 1:
            break
        if list(found) == list(pick):
            break
        pick = np.array(found)
    return solution[:n], np.max(np.abs(error))


def fit(name, function, weight, low, high, degree, variable=lambda x: x):
    """Fits function(x) by a polynomial of variable(x) over low..high and prints it."""
    points = 6000
    x = [mp.mpf(low) + (mp.mpf(high) - low) * (1 - mp.cos(mp.pi * (i + mp.mpf('0.5')) / points)) / 2
         for i in range(points)]
    target = np.array([float(function(t)) for t in x])
    scale = np.array([abs(float(weight(t))) for t in x])
    basis = np.array([[float(variable(t)) ** k for k in range(degree + 1)] for t in x])
    coefficients, free = remez(target, scale, basis)
    fixed = []
    for k in range(degree + 1):
        fixed.append(float(np.float32(coefficients[0])))
        rest = target - basis[:, :k + 1] @ np.array(fixed)
        if k < degree:
            coefficients, _ = remez(rest, scale, basis[:, k + 1:])
    final = np.max(np.abs(scale * (target - basis @ np.array(fixed))))
    print(f'/* {name}: relative error {final:.2g} (2^{np.log2(final):.1f}), unrounded {free:.2g} */')
    for k, c in enumerate(fixed):
        print(f'    {c.hex()}  c{k} = {np.float32(c)!r}')


def main():
    half = mp.log(2) / 2 * mp.mpf('1.002')
    fit('exp and expm1: (expm1(r) - r) / r^2', lambda r: (mp.expm1(r) - r) / r ** 2,
        lambda r: r ** 2 / mp.expm1(r), -half, half, 4)
    fit('log: (log1p(f) - f + f^2 / 2) / f^3',
        lambda f: (mp.log1p(f) - f + f * f / 2) / f ** 3,
        lambda f: f ** 3 / mp.log1p(f), -mp.mpf('0.25'), mp.mpf('0.5'), 7)
    fit('erf, |x| <= 1: (erf(x) - x) / x of x^2', lambda x: mp.erf(x) / x - 1,
        lambda x: x / mp.erf(x), mp.mpf('1e-6'), 1, 6, lambda x: x * x)
    fit('erf, 1 <= |x| <= 4: log(1 - erf(x))', lambda x: mp.log(mp.erfc(x)),
        lambda x: mp.erfc(x) / mp.erf(x), 1, 4, 6)


if __name__ == '__main__':
    main()
