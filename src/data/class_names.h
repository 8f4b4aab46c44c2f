/* class_names.h: the names of the classes of a data folder. */
#ifndef LAMINA_CLASS_NAMES_H
#define LAMINA_CLASS_NAMES_H

#include <stddef.h>

#include <lamina/status.h>

typedef struct lam__class_names {
    char *text;         /* owned, or NULL */
    const char **names; /* [count], pointing into text or at static strings; owned array */
    size_t count;       /* 0: none known */
} lam__class_names;

/* From FOLDER/labels.txt, one per line, when there is one; else by the folder's name. */
lam_status lam__class_names_find(const char *folder, lam__class_names *found);

void lam__class_names_release(lam__class_names *found);

#endif
