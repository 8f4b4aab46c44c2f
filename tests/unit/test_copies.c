/* test_copies.c: several copies of the library in one process, which share a BLAS. */
#include <criterion/criterion.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"

extern void openblas_set_num_threads(int threads) __attribute__((weak));
extern int openblas_get_num_threads(void) __attribute__((weak));

/* What is used of a copy. */
typedef struct copy {
    void *library;
    lam_model *(*model_new)(size_t features);
    lam_status (*add_layers)(lam_model *model, const char *layers);
    lam_trainer *(*trainer_new)(lam_model *model, const lam_fit_options *options);
    void (*trainer_free)(lam_trainer *trainer);
    void (*model_free)(lam_model *model);
    lam_model *model;
    lam_trainer *trainer;
} copy;

static void find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);
    cr_assert_not_null(found, "%s", name);
    memcpy(function, &found, sizeof found);
}

/* Another build: the same file under another name is loaded once more. */
static void load(const char *path, copy *c)
{
    size_t size;
    unsigned char *bytes = scratch_read(LIBRARY, &size);
    scratch_write(path, bytes, size);
    free(bytes);
    c->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    cr_assert_not_null(c->library, "%s", dlerror());
    find(c->library, "lam_model_new", &c->model_new);
    find(c->library, "lam_model_add_layers", &c->add_layers);
    find(c->library, "lam_trainer_new", &c->trainer_new);
    find(c->library, "lam_trainer_free", &c->trainer_free);
    find(c->library, "lam_model_free", &c->model_free);
}

static void begin(copy *c)
{
    c->model = c->model_new(4);
    cr_assert_eq(c->add_layers(c->model, "3:softmax"), LAM_OK);
    c->trainer = c->trainer_new(c->model, NULL);
    cr_assert_not_null(c->trainer);
}

static void end(copy *c)
{
    c->trainer_free(c->trainer);
    c->model_free(c->model);
}

/* In whatever order they come and go, the BLAS has one thread as long as one of them trains, and
 * then as many as before. One of them is the static copy in this program. */
Test(copies, threads_of_the_blas, .timeout = 60)
{
    if (!openblas_set_num_threads || !openblas_get_num_threads)
        cr_skip_test("not OpenBLAS");
    char folder[256], path[512];
    copy copies[3] = {{.model_new = lam_model_new,
                       .add_layers = lam_model_add_layers,
                       .trainer_new = lam_trainer_new,
                       .trainer_free = lam_trainer_free,
                       .model_free = lam_model_free}};
    setenv("LAMINA_PRODUCTS", "blas", 1);
    openblas_set_num_threads(2);
    const int before = openblas_get_num_threads();
    if (before == 1)
        cr_skip_test("a BLAS with one thread");
    scratch_make(folder);
    load(scratch_path(folder, "a.so", path), &copies[1]);
    load(scratch_path(folder, "b.so", path), &copies[2]);
    for (int first = 0; first < 3; first++) {
        for (int i = 0; i < 3; i++) {
            begin(&copies[(first + i) % 3]);
            cr_assert_eq(openblas_get_num_threads(), 1);
        }
        for (int i = 0; i < 3; i++) {
            cr_assert_eq(openblas_get_num_threads(), 1, "copy %d, %d have gone", first, i);
            end(&copies[(first + i) % 3]);
        }
        cr_assert_eq(openblas_get_num_threads(), before);
    }
    begin(&copies[1]);
    begin(&copies[2]);
    end(&copies[1]);
    dlclose(copies[1].library); /* what the other uses of it stays */
    cr_assert_eq(openblas_get_num_threads(), 1);
    end(&copies[2]);
    cr_assert_eq(openblas_get_num_threads(), before);
    scratch_remove(folder);
}
