/* keras.h: networks in files of Keras: .keras archives and .h5 files. */
#ifndef LAMINA_KERAS_H
#define LAMINA_KERAS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <lamina/exchange.h>

#include "formats/import/import_graph.h"
#include "formats/keras/hdf5.h"

/* A network being read. */
typedef struct lam__keras {
    const char *name; /* of the file */
    lam__h5 weights;  /* the HDF5 file */
    bool legacy;      /* .h5: weights by the names of layers; else .keras: by their classes */
    uint64_t layers;  /* the group of the layers' groups */
    uint64_t inside;  /* .h5: the group of all layers of a model that is a layer, 0: in none */
    size_t depth;     /* of models that are layers */
    lam__import_graph *imported;
    lam_model_contents *contents; /* to tell instead of making a model; or NULL */
    lam_import_report *report;    /* or NULL */
    size_t rank;                  /* axes of a sample so far, 0: not told */
    size_t dims[8];               /* their lengths; of one axis 0: not told */
} lam__keras;

/* A layer of the configuration. */
typedef struct lam__keras_layer {
    const char *class, *name;
    const json_t *config;
    size_t twin;     /* layers of the same class before it */
    uint64_t group;  /* of its weights, 0: none */
    char where[160]; /* "layer 'dense_1' (Dense)" */
} lam__keras_layer;

/* Adds a layer to the import graph. LAM_ERR_UNSUPPORTED for a class that is not in the table. */
lam_status lam__keras_add(lam__keras *keras, const lam__keras_layer *layer);

/* Weight `index` of a layer, called `name` in legacy files ("kernel"): values for lam__release. */
lam_status lam__keras_weight(lam__keras *keras, const lam__keras_layer *layer, size_t index,
                             const char *name, lam__h5_shape *shape, float **values);

/* Whether a layer's configuration is that of Keras's own class: every one of the `keys`, words with
 * a space between them, must be there, and in an .h5 file, which does not say whose the class is,
 * none that is not among them, the `others`, or what any layer may tell. LAM_ERR_UNSUPPORTED. */
lam_status lam__keras_check_keys(const lam__keras *keras, const lam__keras_layer *layer,
                                 const char *keys, const char *others);

/* Finds the group of a layer's weights: in .keras files it is named after the class and counted. */
lam_status lam__keras_find_group(lam__keras *keras, lam__keras_layer *layer);

/* In .keras files: the group of the layers' groups in that of a model; 0 without one. */
lam_status lam__keras_find_layers(lam__h5 *h5, uint64_t group, uint64_t *layers);

/* LAM_ERR_FORMAT or another: "FILE: WHERE: ..." */
lam_status lam__keras_fail(const lam__keras *keras, const lam__keras_layer *layer,
                           lam_status status, const char *what, const char *detail);

/* Makes a model of weights alone, as save_weights writes them: with an architecture in the options.
 * In a legacy file they are the layers' own groups; in `layers` otherwise. */
lam_status lam__keras_bare(lam__keras *keras, const lam_import_options *options, lam_model **model);

/* Sets the axes of a sample from a "batch_shape": [null, 28, 28]. */
lam_status lam__keras_shape(lam__keras *keras, const lam__keras_layer *layer, const json_t *shape);

#endif
