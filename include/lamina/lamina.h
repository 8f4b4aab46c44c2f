/* lamina.h: train and run dense neural networks at the speed of the BLAS underneath.
 *
 * Copyright (c) 2026 the Lamina authors. MIT license, see LICENSE.
 *
 * OVERVIEW
 *
 *   A lam_dataset holds samples and targets. A lam_model is a chain of dense, dropout and
 *   layer normalization layers.
 *   lam_fit trains the one on the other; lam_evaluate and lam_predict use the result; a model is
 *   one safetensors file on disk.
 *
 * QUICK START
 *
 *   lam_dataset *train = lam_dataset_load("fashion-mnist", LAM_SPLIT_TRAIN, NULL);
 *   lam_model *model = lam_model_new(lam_dataset_features(train));
 *   lam_model_scale_input(model, 0, 255, -1, 1);
 *   lam_model_dense(model, 128, "relu");
 *   lam_model_dense(model, 10, "softmax");
 *
 *   lam_fit_options fit = lam_fit_options_default();
 *   fit.optimizer = "adam";
 *   fit.learning_rate = 1e-3f;
 *   fit.epochs = 10;
 *   if (lam_fit(model, train, &fit, NULL) != LAM_OK)
 *       fprintf(stderr, "%s\n", lam_error_message());
 *   lam_model_save(model, "fashion.safetensors");
 *
 * CONVENTIONS
 *
 *   - Matrices are row-major, samples are rows: X [batch][features], W [in][out].
 *   - Handles are opaque; lam_*_free(NULL) does nothing. Options are plain structs filled by a
 *     _default() function.
 *   - Things are named in the vocabulary of Keras: "relu", "categorical_crossentropy", "adam".
 *     An unknown word is an error that lists the known ones and the nearest.
 *   - Fallible calls return a lam_status, constructors NULL; lam_error_message() says more.
 *   - The library never prints, never exits, and never changes the locale, signal handlers or the
 *     C random generator.
 *   - The same seed gives the same bits with any number of threads, on one machine.
 *
 * THE HEADERS, BY TIER
 *
 *   1  status.h dataset.h model.h fit.h     the whole life of a network
 *      catalog.h                            what can be named
 *      images.h                             pictures of data, files that were skipped
 *      source.h                             samples delivered by a function of one's own
 *      exchange.h                           models from and for other programs
 *      quantize.h                           networks of 8-bit integers
 *   2  trainer.h predictor.h                one's own loop; prediction without allocation
 *      batches.h                            the batches of a dataset, epoch after epoch
 *      checkpoint.h                         what a checkpoint holds
 *   3  extend.h                             activations, losses, metrics, callbacks of one's own
 */
#ifndef LAMINA_LAMINA_H
#define LAMINA_LAMINA_H

#include <lamina/batches.h>
#include <lamina/catalog.h>
#include <lamina/checkpoint.h>
#include <lamina/dataset.h>
#include <lamina/exchange.h>
#include <lamina/extend.h>
#include <lamina/fit.h>
#include <lamina/images.h>
#include <lamina/model.h>
#include <lamina/predictor.h>
#include <lamina/quantize.h>
#include <lamina/source.h>
#include <lamina/status.h>
#include <lamina/trainer.h>

#endif
