/* image_png.c: PNG to pixels, by libpng. */
#include "data/readers/images/image_decode.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "lamina_features.h"

#if LAM__HAVE_IMAGES

#include <png.h>

/* Deflate packs at most 1032 bytes into one (zlib, "Technical Details"). */
#define MOST_RATIO 1032

/* What libpng and zlib take for a small image; more comes from the allocator. */
#define ARENA_SIZE ((size_t)96 << 10)

/* Pixels of so many bytes get their room unseen, and twice as many as the file has. For more the
 * file is gone through first, one row at a time, to see that they are there. */
#define UNSEEN ((size_t)8 << 20)

/* Bytes in memory as libpng reads them. */
typedef struct png_place {
    lam__image_decoder *decoder;
    const unsigned char *bytes;
    size_t size, at;
    bool look; /* each row to the same place: nothing is kept */
    bool seen; /* `look` has found all rows */
} png_place;

static void read_bytes(png_structp png, png_bytep to, size_t count)
{
    png_place *place = png_get_io_ptr(png);
    if (count > place->size - place->at)
        png_error(png, "the file ends too soon");
    memcpy(to, place->bytes + place->at, count);
    place->at += count;
}

/* libpng allocates a dozen blocks for each image; they all lie in one that is used again. */
static png_voidp take(png_structp png, png_alloc_size_t size)
{
    lam__image_decoder *decoder = png_get_mem_ptr(png);
    const size_t need = lam__round_up(size, LAM__ALIGN);
    if (size <= ARENA_SIZE && need <= ARENA_SIZE - decoder->arena_used) {
        void *block = decoder->arena.bytes + decoder->arena_used;
        decoder->arena_used += need;
        return block;
    }
    void *block = lam__allocate(size, 1, "libpng");
    if (!block)
        decoder->out_of_memory = true;
    return block;
}

static void give_back(png_structp png, png_voidp block)
{
    const lam__image_decoder *decoder = png_get_mem_ptr(png);
    const uintptr_t at = (uintptr_t)block, arena = (uintptr_t)decoder->arena.bytes;
    if (at < arena || at >= arena + ARENA_SIZE)
        lam__release(block);
}

static void on_error(png_structp png, png_const_charp message)
{
    lam__image_decoder *decoder = png_get_error_ptr(png);
    size_t i = 0;
    for (; message[i] && i + 1 < sizeof decoder->reason; i++)
        decoder->reason[i] = message[i] >= ' ' && message[i] <= '~' ? message[i] : '?';
    decoder->reason[i] = '\0';
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

/* What is not needed is passed over: libpng would make room for whatever length a chunk claims, and
 * unpack texts and profiles. What is needed may not claim more than the file has. */
static void limit_chunks(png_structp png, size_t size)
{
#ifdef PNG_HANDLE_AS_UNKNOWN_SUPPORTED
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
#endif
    png_set_chunk_malloc_max(png, size);
    png_set_chunk_cache_max(png, 1);
}

/* Asks libpng for gray or red, green, blue, 8 bits each. */
static void choose_output(png_structp png, int colour)
{
    png_set_strip_16(png);
    png_set_packing(png);
    if (colour == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(png);
    if (colour == PNG_COLOR_TYPE_GRAY)
        png_set_expand_gray_1_2_4_to_8(png);
    png_set_strip_alpha(png);
}

/* Decodes all of the file, or looks whether it can be. May leave by a jump: what it needs
 * afterwards lies in its arguments. */
static lam_status decode(png_structp png, png_infop info, png_place *place, const char *name,
                         lam__image *image)
{
    png_read_info(png, info);
    const png_uint_32 width = png_get_image_width(png, info);
    const png_uint_32 height = png_get_image_height(png, info);
    const int colour = png_get_color_type(png, info);
    const uint64_t bits = (uint64_t)png_get_bit_depth(png, info) * png_get_channels(png, info);
    const uint64_t most = (uint64_t)place->size * MOST_RATIO * 8 / bits;
    const size_t channels = colour & PNG_COLOR_MASK_COLOR ? 3 : 1, row = width * channels;
    LAM__TRY(lam__image_check(name, width, height, most));
    const uint64_t pixels = (uint64_t)row * height;
    place->look = !place->seen && pixels > UNSEEN + 2 * (uint64_t)place->size &&
                  pixels > place->decoder->pixels.size; /* the room of an image before will do */
    LAM__TRY(lam__image_room(place->decoder, width, place->look ? 1 : height, channels, image));
    choose_output(png, colour);
    const int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_rowbytes(png, info) != row)
        return lam__fail(LAM_ERR_FORMAT, "%s: rows of an unexpected length", name);
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < height; y++)
            png_read_row(png, place->decoder->pixels.bytes + (place->look ? 0 : y * row), NULL);
    png_read_end(png, NULL);
    return LAM_OK;
}

/* Decodes, and comes back where libpng jumps. The place is the caller's: after a jump only what is
 * not local to the function that called setjmp still has its value. */
static lam_status decode_or_return(png_structp png, png_infop info, png_place *place,
                                   const char *name, lam__image *image)
{
    lam__image_decoder *decoder = place->decoder;
    if (setjmp(png_jmpbuf(png)) != 0)
        return decoder->out_of_memory
                   ? LAM_ERR_MEMORY
                   : lam__fail(LAM_ERR_FORMAT, "%s: damaged PNG near byte %zu of %zu: %s", name,
                               place->at, place->size, decoder->reason);
    png_set_read_fn(png, place, read_bytes);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff); /* ours come later, and say more */
    limit_chunks(png, place->size);
    if (decoder->no_checksums)
        png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    return decode(png, info, place, name, image);
}

static lam_status go_through(png_place *place, const char *name, lam__image *image)
{
    lam__image_decoder *decoder = place->decoder;
    decoder->arena_used = 0;
    decoder->out_of_memory = false;
    place->at = 0;
    png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, decoder, on_error, on_warning,
                                               decoder, take, give_back);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return decoder->out_of_memory
                   ? LAM_ERR_MEMORY
                   : lam__fail(LAM_ERR_UNSUPPORTED, "%s: libpng does not start", name);
    }
    const lam_status status = decode_or_return(png, info, place, name, image);
    png_destroy_read_struct(&png, &info, NULL);
    return status;
}

lam_status lam__png_decode(lam__image_decoder *decoder, const unsigned char *bytes, size_t size,
                           const char *name, lam__image *image)
{
    png_place place = {.decoder = decoder, .bytes = bytes, .size = size};
    LAM__TRY(lam__scratch_need(&decoder->arena, ARENA_SIZE, "libpng"));
    LAM__TRY(go_through(&place, name, image));
    if (!place.look)
        return LAM_OK;
    place.seen = true;
    return go_through(&place, name, image);
}

#else

lam_status lam__png_decode(lam__image_decoder *decoder, const unsigned char *bytes, size_t size,
                           const char *name, lam__image *image)
{
    (void)decoder;
    (void)bytes;
    (void)size;
    (void)image;
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "%s: a PNG image; this build of Lamina cannot read it (no libpng)", name);
}

#endif
