/* hash.c: SipHash-1-3 (J.-P. Aumasson, D. J. Bernstein, INDOCRYPT 2012) under a key of this
 * process. */
#include "base/text/hash.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t key[2];

/* Where there is no source of random bytes: what a file's author can hardly know. */
static void draw_key(void)
{
    struct timespec now = {0};
    FILE *file = fopen("/dev/urandom", "rb");
    if (file) {
        setvbuf(file, NULL, _IONBF, 0); /* no more than is needed */
        if (fread(key, sizeof key, 1, file) != 1)
            key[0] = 0;
        fclose(file);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    key[0] ^= (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec;
    key[1] ^= (uint64_t)(uintptr_t)&now ^ (uint64_t)(uintptr_t)draw_key << 16;
}

static inline uint64_t turn(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void mix(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = turn(v[1], 13) ^ v[0];
    v[0] = turn(v[0], 32);
    v[2] += v[3];
    v[3] = turn(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = turn(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = turn(v[1], 17) ^ v[2];
    v[2] = turn(v[2], 32);
}

static inline void take(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    mix(v);
    v[0] ^= word;
}

size_t lam__hash(const char *bytes, size_t length)
{
    pthread_once(&once, draw_key);
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                     key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
    uint64_t word, last = (uint64_t)length << 56;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) { /* in the order of this machine's bytes: it stays here */
        memcpy(&word, bytes + i, 8);
        take(v, word);
    }
    for (size_t k = 0; i + k < length; k++)
        last |= (uint64_t)(unsigned char)bytes[i + k] << 8 * k;
    take(v, last);
    v[2] ^= 0xff;
    for (int round = 0; round < 3; round++)
        mix(v);
    return (size_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}
