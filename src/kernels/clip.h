/* clip.h: the range into which losses that take probabilities clip them, as Keras does. */
#ifndef LAMINA_CLIP_H
#define LAMINA_CLIP_H

#define LAM__CLIP_LOW 1e-7f
#define LAM__CLIP_HIGH (1.0f - 1e-7f)

#endif
