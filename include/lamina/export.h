/* export.h: the marker of every public function.  Part of Lamina, MIT license. */
#ifndef LAMINA_EXPORT_H
#define LAMINA_EXPORT_H

#if defined(__GNUC__)
#define LAM_API __attribute__((visibility("default")))
#else
#define LAM_API
#endif

/* Wraps the declarations of every public header, so that C++ sees C names. */
#ifdef __cplusplus
#define LAM_BEGIN_DECLS extern "C" {
#define LAM_END_DECLS }
#else
#define LAM_BEGIN_DECLS
#define LAM_END_DECLS
#endif

#endif
