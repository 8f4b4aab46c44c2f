/* c_text.h: writing C source: text with names put in, numbers, strings and statements. */
#ifndef LAMINA_C_TEXT_H
#define LAMINA_C_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <lamina/status.h>

#include "io/file_write.h"

/* Names inside a file of C source, and so the longest word of its own. */
enum { LAM__C_NAME_MOST = 63 };

typedef struct lam__c_text {
    lam__file_writer file;
    lam_status status; /* sticky */
    char name[LAM__C_NAME_MOST + 1], upper[LAM__C_NAME_MOST + 1];
    size_t used, column; /* of the buffer; of the line of numbers */
    size_t table_bytes;  /* of the tables so far */
    bool plain;          /* tables are not marked for flash: those of a self-test */
    char buffer[1 << 14];
} lam__c_text;

/* Starts the file `path` of the network called `name`, an identifier. */
lam_status lam__c_text_open(lam__c_text *text, const char *path, const char *name);

/* Appends formatted text; in the format '@' stands for the name and '$' for it in capitals. Numbers
 * must be whole: floats depend on the locale. */
void lam__c_put(lam__c_text *text, const char *format, ...);

/* A float as an exact constant of type float: "0.25f". */
void lam__c_float(lam__c_text *text, float value);

/* "static const float NAME_what[count] NAME_FLASH = {...};" and the same of whole numbers. Source
 * reads them through NAME_READ_FLOAT(place), _INT8, _UINT8 and _INT32. */
void lam__c_floats(lam__c_text *text, const char *what, size_t count, const float *values);
void lam__c_bytes(lam__c_text *text, const char *what, size_t count, const signed char *values);
void lam__c_unsigned_bytes(lam__c_text *text, const char *what, size_t count,
                           const unsigned char *values);
void lam__c_ints(lam__c_text *text, const char *what, size_t count, const int *values);

/* A string in quotes, in ASCII whatever it holds. */
void lam__c_string(lam__c_text *text, const char *string);

/* Statements on one line, as the preprocessor leaves them, set line by line. */
void lam__c_statements(lam__c_text *text, const char *statements, size_t depth);

/* Writes what is buffered; the file can then be committed or abandoned. */
lam_status lam__c_text_finish(lam__c_text *text);

#endif
