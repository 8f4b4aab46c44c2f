#!/usr/bin/env python3
"""make_decimals.py: writes data/decimals.txt, decimal numbers and the 32-bit floats nearest to them.

The oracle is exact: a number is a Fraction, its float is found by integer arithmetic, ties to even.
Python's own float() followed by a cast to 32 bits rounds twice; the cases where that gives another
float are there on purpose, marked "twice", all others must agree with it. Standard library only.

A line: the text, the bits of the float in hexadecimal, "once" or "twice".
"""
import pathlib
import random
import struct
from fractions import Fraction

OUT = pathlib.Path(__file__).resolve().parent / "data" / "decimals.txt"
INFINITE = 0x7F800000


def to_fraction(text):
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, part = mantissa.lstrip("+-").partition(".")
    exponent = max(-10000, min(10000, int(exponent or 0)))  # far beyond any float
    value = Fraction(int((whole + part) or "0")) * Fraction(10) ** (exponent - len(part))
    return value


def nearest(value):
    """Bits of the float nearest to a Fraction >= 0."""
    if value == 0:
        return 0
    exponent = max(value.numerator.bit_length() - value.denominator.bit_length() - 1, -126)
    while value >= Fraction(2) ** (exponent + 1):
        exponent += 1
    steps = value / Fraction(2) ** (exponent - 23)  # units in the last place
    whole = round(steps)  # ties to even
    if whole == 1 << 24:
        whole, exponent = 1 << 23, exponent + 1
    if exponent > 127:
        return INFINITE
    return whole if exponent == -126 and whole < 1 << 23 else (exponent + 127 << 23) | whole - (1 << 23)


def from_bits(bits):
    return Fraction(struct.unpack("<f", struct.pack("<I", bits))[0])


def exactly(value):
    """All digits of a fraction with a power of two below."""
    k = value.denominator.bit_length() - 1
    digits = str(value.numerator * 5**k)
    return f"{digits}e-{k}" if k else digits


def by_double(text):
    try:
        return struct.unpack("<I", struct.pack("<f", abs(float(text))))[0]
    except OverflowError:
        return INFINITE


def half_ways(random_bits):
    """Numbers half-way between two floats, and a little beside."""
    for bits in random_bits:
        middle = (from_bits(bits) + from_bits(bits + 1)) / 2
        text = exactly(middle)
        mantissa, e, exponent = text.partition("e")
        yield text
        yield f"{mantissa}.0000000000000000000000000000000000001{e}{exponent}"
        yield f"{mantissa}{'0' * 150}1e{int(exponent or 0) - 151}"
        yield f"{int(mantissa) - 1}{e}{exponent}"
        yield f"{mantissa}9e{int(exponent or 0) - 1}"
        for digits in (17, 18, 19, 20, 25):  # cut, so below or at the middle
            cut = mantissa[:digits]
            yield f"{cut[0]}.{cut[1:]}e{len(mantissa) - 1 + int(exponent or 0)}"


def cases():
    rng = random.Random(1)
    yield from (
        "0", "-0", "+0", "0.0", "00000000000000000000000", "0e99999999999", "0.000e-5", "1", "-1",
        "+1", "1.", ".5", "-.5", "1e0", "1E+0", "1e-0", "0001", "1e5", "123456789", "16777216",
        "16777217", "16777219", "33554434", "0.1", "0.3", "3.4028234663852886e38",
        "3.4028235677973366e38", "3.4028235677973365e38", "3.4028235677973367e38", "3.5e38", "1e39",
        "1e400", "1e99999999999999999999", "1e-99999999999999999999", "1.1754943508222875e-38",
        "1.17549435e-38", "1.1754942e-38", "1.4e-45", "1.401298464324817e-45", "7e-46",
        "7.006492321624085e-46", "7.006492321624086e-46", "7.1e-46", "1e-50", "1e-400",
        "9" * 40, "1" + "0" * 38, "1" + "0" * 39, "0." + "0" * 37 + "1", "0." + "0" * 60 + "1e60",
        "123456789012345678", "1234567890123456789", "999999999999999999", "0.999999999999999999",
        "9223372036854775807", "9223372036854775808", "18446744073709551615",
        "18446744073709551616", "1" + "0" * 500 + "e-500", "0." + "0" * 500 + "1e501",
        "8.5899345925e9", "1.00000017881393432617187499", "1.00000017881393432617187500",
        "1.00000017881393432617187501", "1.000000178813934326171875000000000000000000000001",
    )  # fmt: skip
    special = [0, 1, 2, 0x7FFFFE, 0x7FFFFF, 0x800000, 0x800001, 0x7F7FFFFE, 0x3F7FFFFF, 0x3F800000]
    yield from half_ways(special + [rng.randrange(0x7F7FFFFF) for _ in range(60)])
    yield from half_ways(rng.randrange(0x800000) for _ in range(15))
    for _ in range(300):  # what programs write
        value = rng.gauss(0, 1) * 10 ** rng.randint(-6, 6)
        yield repr(value)
        yield f"{value:.6g}"
        yield f"{value:.17g}"
        yield f"{value:.9e}"
    for _ in range(300):
        digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 30)))
        point = rng.randint(0, len(digits))
        yield f"{digits[:point]}.{digits[point:]}e{rng.randint(-60, 50)}"
        yield struct.unpack("<f", struct.pack("<I", rng.randrange(INFINITE)))[0].__repr__()
    found = 0
    while found < 40:  # where rounding twice goes wrong: a double's width from a half-way point
        bits = rng.randrange(0x00800000, 0x7F000000)
        middle = (from_bits(bits) + from_bits(bits + 1)) / 2
        text = exactly(middle)
        mantissa, _, exponent = text.partition("e")
        text = f"{mantissa}.{'0' * rng.randint(3, 20)}{rng.randint(1, 9)}e{exponent or 0}"
        if by_double(text) != nearest(to_fraction(text)):
            found += 1
            yield text


def main():
    lines, twice = [], 0
    for text in dict.fromkeys(cases()):
        bits = nearest(to_fraction(text))
        agrees = by_double(text) == bits
        twice += not agrees
        sign = 0x80000000 if text.startswith("-") else 0
        lines.append(f"{text} {bits | sign:08x} {'once' if agrees else 'twice'}\n")
    OUT.write_text("".join(lines))
    print(f"{len(lines)} numbers, {twice} that float() and a cast round otherwise")


if __name__ == "__main__":
    main()
