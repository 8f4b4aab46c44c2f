/* clip.h: the range into which losses that take probabilities clip them, as Keras does. */
#ifndef LAMINA_CLIP_H
#define LAMINA_CLIP_H

#include <stdbool.h>

#define LAM__CLIP_LOW 1e-7f
#define LAM__CLIP_HIGH (1.0f - 1e-7f)

/* Of the scalar reference. NaN stays. */
static inline double d_clip(double y)
{
    if (y < (double)LAM__CLIP_LOW)
        return LAM__CLIP_LOW;
    return y > (double)LAM__CLIP_HIGH ? LAM__CLIP_HIGH : y;
}

static inline bool d_inside(double y)
{
    return y >= (double)LAM__CLIP_LOW && y <= (double)LAM__CLIP_HIGH;
}

#endif
