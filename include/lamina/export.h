/* export.h: the marks of public functions, and how public structs grow.  Part of Lamina, MIT
 * license.
 *
 * GROWTH
 *
 *   A later version adds fields at the end of public structs, and a program that was compiled
 *   before goes on working with it unchanged:
 *
 *   - Options begin with struct_size, the size of the struct as the program knows it. The
 * _default() functions set it; a struct that was filled in no such way is LAM_ERR_ARGUMENT.
 *   - For other structs the program's calls hand over the size: lam_model_layer(model, i, &info) is
 *     lam_model_layer_sized(model, i, &info, sizeof info).
 *   - Of what the program gives, the library reads nothing beyond that size, and takes defaults for
 *     fields that lie there; of what it fills, it writes nothing beyond.
 *   - A program compiled with a later version than the one that runs gets zeros in the fields that
 *     this one does not know; where it sets one, that is LAM_ERR_UNSUPPORTED.
 *
 *   Functions here that are inline do only this; from other languages, call the _init and _sized
 *   functions with the size of the struct declared there. lam_scores does not grow: a new figure is
 *   a metric, with a name. Structs that only the library makes (lam_epoch, lam_event,
 *   lam_metric_rows, lines and arrays of reports) are for reading through the pointer it gives. */
#ifndef LAMINA_EXPORT_H
#define LAMINA_EXPORT_H

#if defined(__GNUC__)
#define LAM_API __attribute__((visibility("default")))
#else
#define LAM_API
#endif

/* A function of the header alone: it tells the library the size of a struct. */
#define LAM_INLINE static inline

/* Wraps the declarations of every public header, so that C++ sees C names. */
#ifdef __cplusplus
#define LAM_BEGIN_DECLS extern "C" {
#define LAM_END_DECLS }
#else
#define LAM_BEGIN_DECLS
#define LAM_END_DECLS
#endif

#endif
