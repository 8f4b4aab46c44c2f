/* image_jpeg.c: JPEG to pixels, by libjpeg-turbo. */
#include "data/readers/images/image_decode.h"

#include "base/error.h"
#include "data/readers/images/image_jpeg_scans.h"
#include "lamina_features.h"

#if LAM__HAVE_IMAGES

#include <string.h>
#include <turbojpeg.h>

/* Each scan goes through all pixels: no more than this many visits. Large progressive files have a
 * dozen scans; a few bytes suffice for one that changes nothing. */
#define MOST_VISITS ((uint64_t)1 << 32)

/* Cut files decode to an image whose rest is gray, with this warning. */
static bool is_cut(const char *warning)
{
    return strstr(warning, "Premature end") != NULL || strstr(warning, "ends prematurely") != NULL;
}

lam_status lam__jpeg_decode(lam__image_decoder *decoder, const unsigned char *bytes, size_t size,
                            const char *name, lam__image *image)
{
    if (!decoder->jpeg)
        decoder->jpeg = tjInitDecompress();
    tjhandle jpeg = decoder->jpeg;
    if (!jpeg)
        return lam__fail_memory(0, "libjpeg-turbo");
    /* It leaves these as they are, and succeeds, where there are tables alone or nothing. */
    int width = 0, height = 0, sampling = 0, colours = 0;
    if (tjDecompressHeader3(jpeg, bytes, (unsigned long)size, &width, &height, &sampling,
                            &colours) != 0)
        return lam__fail(LAM_ERR_FORMAT, "%s: damaged JPEG: %s", name, tjGetErrorStr2(jpeg));
    if (width < 1 || height < 1)
        return lam__fail(LAM_ERR_FORMAT, "%s: damaged JPEG: no image in its %zu bytes", name, size);
    if (colours == TJCS_CMYK || colours == TJCS_YCCK)
        return lam__fail(LAM_ERR_UNSUPPORTED,
                         "%s: a JPEG of four colours (CMYK), made for printing: save it as RGB",
                         name);
    const size_t channels = colours == TJCS_GRAY ? 1 : 3;
    const lam__jpeg_scans scans = lam__jpeg_look(bytes, size);
    LAM__TRY(
        lam__image_check(name, (uint64_t)width, (uint64_t)height, lam__jpeg_most_pixels(&scans)));
    if (scans.scans > MOST_VISITS / ((uint64_t)width * (uint64_t)height))
        return lam__fail(LAM_ERR_FORMAT, "%s: a JPEG that passes %zu times over %d x %d pixels",
                         name, scans.scans, width, height);
    LAM__TRY(lam__image_room(decoder, (size_t)width, (size_t)height, channels, image));
    if (tjDecompress2(jpeg, bytes, (unsigned long)size, decoder->pixels.bytes, width, 0, height,
                      channels == 1 ? TJPF_GRAY : TJPF_RGB, TJFLAG_LIMITSCANS) != 0 &&
        (tjGetErrorCode(jpeg) != TJERR_WARNING || is_cut(tjGetErrorStr2(jpeg))))
        return lam__fail(LAM_ERR_FORMAT, "%s: damaged JPEG of %zu bytes: %s", name, size,
                         tjGetErrorStr2(jpeg));
    return LAM_OK;
}

void lam__jpeg_close(lam__image_decoder *decoder)
{
    if (decoder->jpeg)
        tjDestroy(decoder->jpeg);
    decoder->jpeg = NULL;
}

#else

lam_status lam__jpeg_decode(lam__image_decoder *decoder, const unsigned char *bytes, size_t size,
                            const char *name, lam__image *image)
{
    (void)decoder;
    (void)bytes;
    (void)size;
    (void)image;
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s: a JPEG image; this build of Lamina cannot read it (no libjpeg-turbo)",
                     name);
}

void lam__jpeg_close(lam__image_decoder *decoder)
{
    (void)decoder;
}

#endif
