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
 *     _default() function. export.h says how structs grow in versions to come.
 *   - Things are named in the vocabulary of Keras: "relu", "categorical_crossentropy", "adam".
 *     An unknown word is an error that lists the known ones and the nearest.
 *   - Fallible calls return a lam_status, constructors NULL; lam_error_message() says more.
 *   - The library never prints, never exits, and never changes the locale, signal handlers or the
 *     C random generator.
 *   - The same seed gives the same bits with any number of threads, on one machine.
 *
 * FORKING
 *
 *   A process may fork at any time, also while its other threads train; Python's multiprocessing
 *   with the start method fork and servers that fork workers do so. In the child
 *
 *   - new handles of every kind can be made and used;
 *   - handles from before can be used where no other thread of the parent was in the middle of a
 *     call with them. They are copies: parent and child go on from the same state and do not notice
 *     each other, also where samples are read from the same file. Threads of their own start again
 *     with the next call. A handle that was in use can only be freed;
 *   - every handle can be freed, and none has to be: no call hangs because of threads that only
 *     the parent has;
 *   - checkpoints of a run that was going on are the parent's. A child that forked in a callback
 *     and returns from it trains on, but writes none: events say so (LAM_ERR_STATE), and so does
 *     lam_fit in the end.
 *
 *   A fork waits for samples that are being read from a file, a second at most. Where a function
 *   of the program was reading them (source.h) and did not return in that time, the child can only
 *   free the dataset; its use is LAM_ERR_STATE. A child that was forked within an activation, a
 *   loss, a metric or a source of one's own may only call exec or _exit. Where products are the
 *   BLAS library's (lam_build_info("products")), what may happen in the child is up to it, too.
 *
 * THE HEADERS, BY TIER
 *
 *   1  status.h dataset.h model.h fit.h     the whole life of a network
 *      catalog.h                            what can be named
 *      images.h                             pictures of data, files that were skipped
 *      output.h                             files to be written, looked at beforehand
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
#include <lamina/output.h>
#include <lamina/predictor.h>
#include <lamina/quantize.h>
#include <lamina/source.h>
#include <lamina/status.h>
#include <lamina/trainer.h>

#endif
