/* main.c: which of three spirals is a point on? Asks the network as it was trained and the same one
 * in 8-bit integers, both compiled into this program. No file, no allocation, no library but libm.
 */
#include <stdio.h>

#include "bytes.h"
#include "floats.h"

static int largest(const float *y)
{
    int best = 0;

    for (int i = 1; i < FLOATS_OUTPUTS; i++) {
        if (y[i] > y[best]) {
            best = i;
        }
    }
    return best;
}

int main(void)
{
    int same = 0, points = 0;

    /* a map of the square: one letter a point */
    for (int row = 0; row < 21; row++) {
        for (int column = 0; column < 41; column++) {
            const float x[FLOATS_INPUTS] = {(float)(column - 20) / 20.0f,
                                            (float)(10 - row) / 10.0f};
            float y[FLOATS_OUTPUTS], z[BYTES_OUTPUTS];

            floats_predict(x, y);
            bytes_predict(x, z);
            putchar("ABC"[largest(y)]);
            same += largest(y) == largest(z);
            points++;
        }
        putchar('\n');
    }
    printf("%d bytes of stack in floats, %d in bytes; %d of %d points the same\n",
           (int)FLOATS_STACK_BYTES, (int)BYTES_STACK_BYTES, same, points);
    return same * 100 < points * 95; /* bytes are coarse, but not that coarse */
}
