/* intern.h: texts that last as long as the process, each kept once. */
#ifndef LAMINA_INTERN_H
#define LAMINA_INTERN_H

/* The library's own copy of a text: the same pointer for equal texts, never freed. For texts of
 * which a program uses few, such as names and values of options. From any thread; NULL with
 * LAM_ERR_MEMORY recorded. */
const char *lam__intern(const char *text);

#endif
