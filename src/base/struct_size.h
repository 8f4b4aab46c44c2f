/* struct_size.h: structs of programs that were compiled with another version: lamina/export.h says
 * how they grow. */
#ifndef LAMINA_STRUCT_SIZE_H
#define LAMINA_STRUCT_SIZE_H

#include <stddef.h>

#include <lamina/status.h>

/* Copies given[size] of the program over own[own_size], which holds defaults and keeps them in
 * fields beyond `size`. LAM_ERR_UNSUPPORTED when a byte beyond own_size is not 0: a field that a
 * later version has. `type` names the struct. */
lam_status lam__read_struct(void *own, size_t own_size, const void *given, size_t size,
                            const char *type);

/* Copies own[own_size] to given[size] of the program, with zeros where that is longer. */
void lam__write_struct(void *given, size_t size, const void *own, size_t own_size);

/* lam__read_struct of options, which begin with their size; that of `own` stays. NULL leaves the
 * defaults. LAM_ERR_ARGUMENT when the size can be none: nothing has filled them. */
lam_status lam__read_options(void *own, size_t own_size, const void *given, const char *type);

/* The size that options of the program begin with. */
size_t lam__options_size(const void *given);

/* Writes the defaults own[own_size], whose first field becomes `size`, to given[size]; nothing
 * where that has no room for the size itself, or is NULL. */
void lam__write_options(void *given, size_t size, void *own, size_t own_size);

#endif
