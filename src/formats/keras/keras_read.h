/* keras_read.h: networks in files of Keras: .keras archives and .h5 files, from memory. */
#ifndef LAMINA_KERAS_READ_H
#define LAMINA_KERAS_READ_H

#include "formats/model_formats.h"

/* With `contents` the layers are told there, and no model is made. `options` are for files of
 * weights alone, and refused where there is a whole model. */
lam_status lam__keras_read_archive(const lam__foreign *file, const lam_import_options *options,
                                   lam_model_contents *contents, lam_model **model);
lam_status lam__keras_read_h5(const lam__foreign *file, const lam_import_options *options,
                              lam_model_contents *contents, lam_model **model);

#endif
