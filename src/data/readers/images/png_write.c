/* png_write.c: pixels to PNG files, by libpng. */
#include <lamina/images.h>

#include "base/error.h"
#include "base/memory.h"
#include "lamina_features.h"

static lam_status check(const char *path, const uint8_t *pixels, size_t width, size_t height,
                        size_t channels)
{
    if (!path || !pixels)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_image_write_png: %s is NULL",
                         path ? "pixels" : "path");
    if (width == 0 || height == 0 || width > 1000000 || height > 1000000)
        return lam__fail(LAM_ERR_ARGUMENT,
                         "lam_image_write_png: %zu x %zu pixels, expected 1 to 1000000 each", width,
                         height);
    if (channels != 1 && channels != 3)
        return lam__fail(LAM_ERR_ARGUMENT, "lam_image_write_png: %zu channels, expected 1 or 3",
                         channels);
    return LAM_OK;
}

#if LAM__HAVE_IMAGES

#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file_read.h"
#include "io/file_write.h"
#include "io/write_all.h"

/* A file that is being written. */
typedef struct png_target {
    lam__file_writer file; /* a new file; fd is its */
    bool device;           /* what is there is no regular file: it is written to as it is */
    int fd, error;         /* errno of the write that failed */
    bool out_of_memory;
    char reason[128];
} png_target;

static void write_bytes(png_structp png, png_bytep bytes, size_t count)
{
    png_target *target = png_get_io_ptr(png);
    target->error = lam__write_all(target->fd, bytes, count);
    if (target->error)
        png_error(png, "cannot write");
}

static void flush_bytes(png_structp png)
{
    (void)png;
}

static png_voidp take(png_structp png, png_alloc_size_t size)
{
    void *block = lam__allocate(size, 1, "libpng");
    if (!block)
        ((png_target *)png_get_mem_ptr(png))->out_of_memory = true;
    return block;
}

static void give_back(png_structp png, png_voidp block)
{
    (void)png;
    lam__release(block);
}

static void on_error(png_structp png, png_const_charp message)
{
    png_target *target = png_get_error_ptr(png);
    strncpy(target->reason, message, sizeof target->reason - 1);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static lam_status fail(const png_target *target, const char *path)
{
    if (target->out_of_memory)
        return LAM_ERR_MEMORY;
    if (target->error)
        return lam__fail_errno("cannot write", path, target->error);
    return lam__fail(LAM_ERR_IO, "cannot write '%s': %s", path, target->reason);
}

/* Writes, and comes back where libpng jumps. The target is the caller's: after a jump only what is
 * not local to the function that called setjmp still has its value. */
static lam_status write_image(png_structp png, png_infop info, png_target *target, const char *path,
                              const uint8_t *pixels, size_t width, size_t height, size_t channels)
{
    if (setjmp(png_jmpbuf(png)) != 0)
        return fail(target, path);
    png_set_write_fn(png, target, write_bytes, flush_bytes);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8,
                 channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_text software = {.compression = PNG_TEXT_COMPRESSION_NONE,
                         .key = (char[]){"Software"},
                         .text = (char[]){"Lamina"}};
    png_set_text(png, info, &software, 1); /* by which lam_output_is_own knows it again */
    png_write_info(png, info);
    for (size_t y = 0; y < height; y++)
        png_write_row(png, pixels + y * width * channels);
    png_write_end(png, info);
    return LAM_OK;
}

/* A pipe or a device is written to; a file is replaced once the new one is whole. */
static lam_status open_target(png_target *target, const char *path)
{
    struct stat kind;
    target->device = stat(path, &kind) == 0 && !S_ISREG(kind.st_mode) && !S_ISDIR(kind.st_mode);
    if (!target->device) {
        LAM__TRY(lam__file_write_open(&target->file, path));
        target->fd = target->file.fd;
        return LAM_OK;
    }
    target->fd = open(path, O_WRONLY | O_CLOEXEC);
    return target->fd >= 0 ? LAM_OK : lam__fail_errno("cannot create", path, errno);
}

static lam_status close_target(png_target *target, const char *path, lam_status status)
{
    if (!target->device && status == LAM_OK)
        return lam__file_write_commit(&target->file);
    if (!target->device)
        lam__file_write_abandon(&target->file);
    else if (close(target->fd) != 0 && status == LAM_OK)
        return lam__fail_errno("cannot write", path, errno);
    return status;
}

lam_status lam_image_write_png(const char *path, const uint8_t *pixels, size_t width, size_t height,
                               size_t channels)
{
    LAM__TRY(check(path, pixels, width, height, channels));
    png_target target = {.fd = -1};
    LAM__TRY(open_target(&target, path));
    lam_status status;
    png_structp png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &target, on_error,
                                                on_warning, &target, take, give_back);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info)
        status = target.out_of_memory ? LAM_ERR_MEMORY
                                      : lam__fail(LAM_ERR_UNSUPPORTED, "libpng does not start");
    else
        status = write_image(png, info, &target, path, pixels, width, height, channels);
    png_destroy_write_struct(&png, &info);
    return close_target(&target, path, status);
}

#else

lam_status lam_image_write_png(const char *path, const uint8_t *pixels, size_t width, size_t height,
                               size_t channels)
{
    LAM__TRY(check(path, pixels, width, height, channels));
    return lam__fail(LAM_ERR_UNSUPPORTED,
                     "cannot write '%s': this build of Lamina cannot write PNG (no libpng)", path);
}

#endif
