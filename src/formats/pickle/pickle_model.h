/* pickle_model.h: the networks that a pickle may hold: modules of PyTorch, networks of
 * scikit-learn, or arrays and what is said of them. */
#ifndef LAMINA_PICKLE_MODEL_H
#define LAMINA_PICKLE_MODEL_H

#include "formats/import/import_graph.h"
#include "formats/model_formats.h"
#include "formats/pickle/pickle.h"

/* A pickle that has been run, and walked through. */
typedef struct lam__pickled {
    const lam__foreign *file;
    const lam_import_options *options;
    lam__pickle *pickle;
    lam__import_graph *imported;
} lam__pickled;

/* Makes the model of a pickle that has been run and walked through. */
lam_status lam__pickled_model(const lam__foreign *file, const lam_import_options *options,
                              lam__pickle *pickle, lam_model **model);

/* Whether a value is a module of PyTorch, of whatever class. */
bool lam__is_torch_module(const lam__pickle_value *value);

/* Adds the steps of a module: a Sequential of the layers of torch.nn. LAM_ERR_UNSUPPORTED naming
 * the module and its class otherwise. */
lam_status lam__torch_module(lam__pickled *pickled, const lam__pickle_value *module);

/* Whether a value is an estimator of scikit-learn. */
bool lam__is_sklearn(const lam__pickle_value *value);

/* Adds the steps of MLPClassifier, MLPRegressor, or a Pipeline of scalers and one of these.
 * classes becomes the array of its classes, or NULL. */
lam_status lam__sklearn_model(lam__pickled *pickled, const lam__pickle_value *estimator,
                              const lam__pickle_value **classes);

/* Class names of a model from an array of numbers or texts; what they cannot be is told. */
lam_status lam__sklearn_names(const lam__pickled *pickled, const lam__pickle_value *classes,
                              lam_model *model);

/* "module.Class" of an object, in text[size]. */
const char *lam__pickle_class(const lam__pickle_value *object, char *text, size_t size);

/* The numbers of an array of floats of one or two dimensions, [rows][cols] (a vector: rows 1), as
 * floats; *values is for lam__release. LAM_ERR_SHAPE, LAM_ERR_FORMAT, naming `where`. */
typedef struct lam__pickle_numbers {
    size_t rank, rows, cols;
    float *values;
} lam__pickle_numbers;

lam_status lam__pickle_floats(const lam__pickled *pickled, const char *where,
                              const lam__pickle_value *array, lam__pickle_numbers *numbers);

/* A vector of *n floats called `name` (*n 0: of any length, which *n becomes); NULL with LAM_OK
 * where `array` is NULL. *values is for lam__release, also after LAM_ERR_SHAPE. */
lam_status lam__pickle_vector(const lam__pickled *pickled, const char *where, const char *name,
                              const lam__pickle_value *array, size_t *n, float **values);

/* Makes [cols][rows] of [rows][cols]. */
lam_status lam__pickle_turn(lam__pickle_numbers *numbers);

#endif
