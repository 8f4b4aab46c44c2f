/* test_data_faults.c: every allocation of reading tables and arrays fails in turn. */
#include <criterion/criterion.h>

#include "../support/archives.h"
#include "../support/scratch.h"
#include "failing.h"
#include "io/checksum.h"
#include "lamina_features.h"

static char folder[256];
static lam_model *model; /* trained on the table */

static bool load_with(const char *name, const lam_load_options *options)
{
    char path[512];
    lam_dataset *set = lam_dataset_load(scratch_path(folder, name, path), LAM_SPLIT_TRAIN, options);
    lam_dataset_free(set);
    return set != NULL;
}

static bool load_table(void)
{
    lam_load_options options = lam_load_options_default();
    options.missing = "median";
    options.target = "y";
    options.ignore = "id";
    return load_with("table.csv", &options);
}

static bool load_numbers(void)
{
    return load_with("numbers.csv", NULL);
}

static bool load_table_like(void)
{
    lam_load_options options = lam_load_options_default();
    options.like = model;
    return load_with("table.csv", &options);
}

static bool load_folder(void)
{
    return load_with("arrays", NULL);
}

static bool load_fortran(void)
{
    return load_with("arrays/x.npy", NULL);
}

#if LAM__HAVE_ZIP
static bool load_archive(void)
{
    return load_with("arrays.npz", NULL);
}
#endif

static const char table[] =
    "id,a,color,\"y\"\n1,0.5,\"the \"\"red\"\"\",7\n2,,blue,8\n3,1e-3,green,7\n"
    "4,2.5,NA,8\n5,3,\"the \"\"red\"\"\",7\n";

/* Trains on it what is to be read later. */
static void make_model(void)
{
    lam_load_options options = lam_load_options_default();
    lam_fit_options fit = lam_fit_options_default();
    char path[512];
    options.missing = "mean";
    fit.epochs = 1;
    lam_dataset *set =
        lam_dataset_load(scratch_path(folder, "table.csv", path), LAM_SPLIT_TRAIN, &options);
    cr_assert_not_null(set, "%s", lam_error_message());
    model = lam_model_new(lam_dataset_features(set));
    cr_assert(lam_model_dense(model, 2, "softmax") == LAM_OK &&
              lam_fit(model, set, &fit, NULL) == LAM_OK);
    lam_dataset_free(set);
}

Test(data_faults, every_allocation)
{
    static const char x[] = "\x93NUMPY\1\0\x3e\0{'descr': '<i2', 'fortran_order': True, 'shape': "
                            "(2, 2), }   \n\1\0\2\0\3\0\4\0";
    static const char y[] = "\x93NUMPY\1\0\x3d\0{'descr': '|u1', 'fortran_order': False, 'shape': "
                            "(2,), }   \n\0\1";
    char path[512];
    scratch_make(folder);
    scratch_write(scratch_path(folder, "table.csv", path), table, sizeof table - 1);
    scratch_write(scratch_path(folder, "numbers.csv", path), "1,2.5\n3,4.5\n", 12);
    cr_assert_eq(mkdir(scratch_path(folder, "arrays", path), 0700), 0);
    scratch_write(scratch_path(folder, "arrays/x.npy", path), x, sizeof x - 1);
    scratch_write(scratch_path(folder, "arrays/y.npy", path), y, sizeof y - 1);
    make_model();
    run(load_table, "load a table");
    run(load_numbers, "load numbers");
    run(load_table_like, "load a table as a model needs it");
    run(load_folder, "load arrays of a folder");
    run(load_fortran, "load an array");
#if LAM__HAVE_ZIP
    static struct archive archive;
    const struct entry entries[] = {
        {"x.npy", x, sizeof x - 1, sizeof x - 1, lam__crc32(0, x, sizeof x - 1), 0, 0},
        {"y.npy", y, sizeof y - 1, sizeof y - 1, lam__crc32(0, y, sizeof y - 1), 0, 0}};
    make_archive(&archive, entries, 2);
    scratch_write(scratch_path(folder, "arrays.npz", path), archive.bytes, archive.size);
    run(load_archive, "load an archive of arrays");
#endif
    lam_model_free(model);
    unlink(scratch_path(folder, "arrays/x.npy", path));
    unlink(scratch_path(folder, "arrays/y.npy", path));
    rmdir(scratch_path(folder, "arrays", path));
    scratch_remove(folder);
}
