/* holders.c: who uses the BLAS, counted over all copies of this library in the process.
 *
 * Each copy carries an ELF note that says where its count lies (gABI, "Note Section": name size,
 * size and type, then name and content, padded to four bytes). Notes are found in whatever is
 * loaded and however it was: dl_iterate_phdr(3) knows programs with a static copy and libraries
 * opened for themselves alone, which a search for a symbol does not. The first in the order of
 * loading is used. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* dl_iterate_phdr, dladdr */
#endif
#include "kernels/blas/holders.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/fork.h"

#if defined(__linux__) && defined(__ELF__)
#include <dlfcn.h>
#include <link.h>
#define HAS_NOTES 1
#else
#define HAS_NOTES 0
#endif

/* In the note, and so by this name in assembler. */
extern lam__holders lam__holders_here;
__attribute__((used)) lam__holders lam__holders_here = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static lam__fork_guard guard;

__attribute__((constructor)) static void watch_mutex(void)
{
    lam__fork_watch(&guard, &lam__holders_here.mutex, NULL, NULL);
}

#if HAS_NOTES
#define NAME "Lamina"
enum { NAME_SIZE = sizeof NAME, TYPE = 1, CONTENT_SIZE = 4 };

__asm__(".pushsection .note.lamina, \"a\", %note\n"
        ".balign 4\n"
        ".long 7, 4, 1\n"
        ".asciz \"" NAME "\"\n"
        ".balign 4\n"
        ".long lam__holders_here - .\n" /* from here to the count */
        ".popsection\n");

typedef struct search {
    void *blas;
    lam__holders *found;
} search;

/* Takes a count for this BLAS; false when it counts for another. */
static int claim(lam__holders *holders, search *wanted)
{
    void *blas = NULL;
    if (!atomic_compare_exchange_strong(&holders->blas, &blas, wanted->blas) &&
        blas != wanted->blas)
        return 0;
    wanted->found = holders;
    return 1;
}

static size_t padded(size_t size, size_t alignment)
{
    return (size + alignment - 1) / alignment * alignment;
}

/* Looks through the notes of one segment. */
static int look_at(char *notes, size_t size, size_t alignment, search *wanted)
{
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) head;
        memcpy(&head, notes, sizeof head);
        char *name = notes + sizeof head;
        const size_t begin = padded(sizeof head + head.n_namesz, alignment);
        const size_t end = padded(begin + head.n_descsz, alignment);
        if (end > padded(size, alignment))
            return 0;
        if (head.n_namesz == NAME_SIZE && memcmp(name, NAME, NAME_SIZE) == 0 &&
            head.n_type == TYPE && head.n_descsz == CONTENT_SIZE) {
            int32_t distance;
            memcpy(&distance, notes + begin, sizeof distance);
            if (claim((lam__holders *)(void *)(notes + begin + distance), wanted))
                return 1;
        }
        notes += end;
        size -= end < size ? end : size;
    }
    return 0;
}

static int look(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type == PT_NOTE &&
            look_at((char *)(uintptr_t)(object->dlpi_addr + segment->p_vaddr), segment->p_memsz,
                    segment->p_align == 8 ? 8 : 4, context))
            return 1;
    }
    return 0;
}

/* The copy whose count is used stays loaded. */
static void pin(const lam__holders *holders)
{
    Dl_info info;
    if (dladdr(holders, &info) && info.dli_fname)
        dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

lam__holders *lam__holders_of(void *set_threads)
{
    search wanted = {.blas = set_threads};
    if (set_threads)
        dl_iterate_phdr(look, &wanted);
    if (!wanted.found)
        return &lam__holders_here;
    if (wanted.found != &lam__holders_here)
        pin(wanted.found);
    return wanted.found;
}
#else
lam__holders *lam__holders_of(void *set_threads)
{
    (void)set_threads;
    return &lam__holders_here;
}
#endif
