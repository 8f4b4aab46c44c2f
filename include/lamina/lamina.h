/* lamina.h: train and run dense neural networks at the speed of the BLAS underneath.
 *
 * Copyright (c) 2026 the Lamina authors. MIT license, see LICENSE.
 *
 * OVERVIEW
 *
 *   A lam_dataset holds samples and targets. A lam_model is a sequence of dense, dropout and
 *   layer normalization layers. lam_fit trains a model on a dataset; lam_evaluate and lam_predict
 *   use the result; a model is one safetensors file on disk.
 *
 * QUICK START
 *
 *   lam_dataset *train = lam_dataset_load("path/to/fashion-mnist", LAM_SPLIT_TRAIN, NULL);
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
 *     _default() function. export.h says how structs grow in versions to come.
 *   - Things are named in the vocabulary of Keras: "relu", "categorical_crossentropy", "adam".
 *     An unknown word is an error that lists the known ones and suggests the nearest.
 *   - Fallible calls return a lam_status, constructors NULL; lam_error_message() has the details.
 *   - The library never prints, never exits, and never changes the locale, signal handlers or the
 *     C random generator.
 *   - The same seed gives the same bits with any number of threads, on one machine.
 *
 * FORKING
 *
 *   A process may fork at any time, even while its other threads train, as Python's
 *   multiprocessing (start method fork) and servers that fork workers do. In the child
 *
 *   - new handles of every kind can be made and used;
 *   - existing handles can be used unless another thread of the parent was in the middle of a
 *     call with them. They are copies: parent and child continue from the same state
 *     independently, even when they read samples from the same file. A handle's own threads are
 *     restarted by the next call. A handle that was in use can only be freed;
 *   - every handle can be freed, but none has to be: no call hangs because of threads that exist
 *     only in the parent;
 *   - checkpoints of a run in progress belong to the parent. A child that was forked in a
 *     callback and returns from it continues training but writes none: events say so
 *     (LAM_ERR_STATE), and finally so does lam_fit.
 *
 *   A fork waits at most a second for samples that are being read from a file. If a function of
 *   the program was reading them (source.h) and did not return in that time, the child can only
 *   free the dataset; using it is LAM_ERR_STATE. A child forked inside a registered activation,
 *   loss or metric or inside a source may only call exec or _exit. Where the BLAS library computes
 *   the products (lam_build_info("products")), what works in the child also depends on that
 *   library.
 *
 * THE HEADERS, BY TIER
 *
 *   1  status.h dataset.h model.h fit.h     the whole life of a network
 *      catalog.h                            the names the library knows
 *      images.h                             contact sheets, image files that were skipped
 *      output.h                             whether a file can be written, asked in advance
 *      source.h                             samples delivered by your own function
 *      exchange.h                           models from and for other programs
 *      quantize.h                           networks of 8-bit integers
 *   2  trainer.h predictor.h                your own training loop; prediction without allocation
 *      batches.h                            the batches of a dataset, epoch after epoch
 *      checkpoint.h                         what a checkpoint holds
 *   3  extend.h                             your own activations, losses, metrics, callbacks
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
#include <lamina/output.h>
#include <lamina/predictor.h>
#include <lamina/quantize.h>
#include <lamina/source.h>
#include <lamina/status.h>
#include <lamina/trainer.h>

#endif
