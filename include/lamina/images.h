/* images.h: contact sheets of data sets, and image files that were skipped.  Part of Lamina, MIT
 * license.
 *
 * Image files are read by lam_dataset_load: a folder of class folders, or one file.
 *
 * Thread safety: all functions may be called from any thread. */
#ifndef LAMINA_IMAGES_H
#define LAMINA_IMAGES_H

#include <stddef.h>
#include <stdint.h>

#include <lamina/dataset.h>

LAM_BEGIN_DECLS

/* Writes pixels[height][width][channels], channels 1 (gray) or 3 (red, green, blue), to a PNG file;
 * an existing file is replaced once the new one is complete. When writing fails, nothing has
 * changed. LAM_ERR_ARGUMENT, LAM_ERR_IO, LAM_ERR_MEMORY, LAM_ERR_UNSUPPORTED (a build without
 * libpng). */
LAM_API lam_status lam_image_write_png(const char *path, const uint8_t *pixels, size_t width,
                                       size_t height, size_t channels);

/* Writes a contact sheet of a dataset of images to a PNG file: a row of `columns` samples (0 = 10)
 * for each class, or rows of the first samples when they have no classes; at most 32 rows. Images
 * are shown as they are in the dataset, enlarged or reduced by a whole factor. Float samples are
 * shown from their smallest (black) to their largest value (white). LAM_ERR_SHAPE when the samples
 * are not images (see lam_dataset_set_image); otherwise as lam_image_write_png. */
LAM_API lam_status lam_dataset_write_sheet(const lam_dataset *dataset, size_t columns,
                                           const char *path);

/* Number of image files that could not be read and were skipped because of the loading option
 * on_error = "skip". */
LAM_API size_t lam_dataset_skipped(const lam_dataset *dataset);

/* What was wrong with skipped file i, its name included; NULL when out of range. Owned by the
 * dataset. */
LAM_API const char *lam_dataset_skipped_file(const lam_dataset *dataset, size_t i);

LAM_END_DECLS

#endif
