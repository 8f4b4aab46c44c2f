/* decimal.h: decimal numbers to floats, correctly rounded and fast.
 *
 * The value is the 32-bit float nearest to the decimal, ties to even: rounded once. (By way of a
 * double, as float() and a cast in Python do, one in some hundred million lies a bit off.) */
#ifndef LAMINA_DECIMAL_H
#define LAMINA_DECIMAL_H

/* Reads [+-] digits [. digits] [e [+-] digits], with a digit on at least one side of the point, as
 * long as it goes. The text must end in a byte that is not part of a number, such as NUL. Returns
 * where the number ends, or NULL without one. What is too large becomes an infinity, what is
 * too small 0. Independent of the locale. */
const char *lam__parse_float(const char *text, float *value);

#endif
