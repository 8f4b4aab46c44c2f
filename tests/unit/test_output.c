/* test_output.c: what is known of files before they are written. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lamina/lamina.h>

#include "../support/scratch.h"
#include "formats/safetensors/safetensors.h"
#include "lamina_features.h"

static char folder[256];

static void make_folder(void)
{
    scratch_make(folder);
}

static void remove_folder(void)
{
    scratch_remove(folder);
}

TestSuite(output, .init = make_folder, .fini = remove_folder);

static void expect_refused(const char *path, const char *said)
{
    cr_expect_eq(lam_output_check(path), LAM_ERR_IO, "%s", path);
    cr_expect(strstr(lam_error_message(), said), "%s", lam_error_message());
}

Test(output, what_can_be_written)
{
    char path[512], link[512];
    cr_assert_eq(lam_output_check(scratch_path(folder, "new", path)), LAM_OK, "%s",
                 lam_error_message());
    scratch_put(folder, "old", "text");
    cr_assert_eq(lam_output_check(scratch_path(folder, "old", path)), LAM_OK);
    cr_assert_eq(symlink("old", scratch_path(folder, "link", link)), 0);
    cr_assert_eq(lam_output_check(link), LAM_OK);
    cr_assert_eq(scratch_count(folder), 2, "nothing is left behind");
    cr_assert_eq(lam_output_check(NULL), LAM_ERR_ARGUMENT);
    cr_assert_eq(lam_output_check(""), LAM_ERR_ARGUMENT);
}

Test(output, what_cannot_be_written)
{
    char path[512], longest[400];
    expect_refused(folder, "a folder");
    expect_refused("/dev/null", "not a regular file");
    expect_refused(scratch_path(folder, "missing/file", path), "No such file");
    scratch_put(folder, "file", "text");
    expect_refused(scratch_path(folder, "file/below", path), "Not a directory");
    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    expect_refused(scratch_path(folder, longest, path), "too long");
    cr_assert_eq(symlink("nothing", scratch_path(folder, "dangling", path)), 0);
    expect_refused(path, "a link to what does not exist");
    cr_assert_eq(symlink("loop", scratch_path(folder, "loop", path)), 0);
    expect_refused(path, "symbolic links");
}

/* As saving does it: a link that leads nowhere stays, and nothing takes its place. */
Test(output, saving_does_not_replace_a_link, .disabled = !LAM__HAVE_JSON)
{
    char link[512], target[512];
    struct stat info;
    lam_model *model = lam_model_new(2);
    lam_model_dense(model, 1, "linear");
    lam_model_initialize(model, 1, NULL);
    cr_assert_eq(symlink("target", scratch_path(folder, "link", link)), 0);
    cr_assert_eq(lam_model_save(model, link), LAM_ERR_IO);
    cr_assert(lstat(link, &info) == 0 && S_ISLNK(info.st_mode));
    scratch_put(folder, "target", "");
    cr_assert_eq(lam_model_save(model, link), LAM_OK, "%s", lam_error_message());
    cr_assert(lstat(link, &info) == 0 && S_ISLNK(info.st_mode));
    cr_assert(lam_output_is_own(scratch_path(folder, "target", target)));
    cr_assert(lam_output_is_own(link));
    lam_model_free(model);
}

Test(output, own_files_are_known_again, .disabled = !LAM__HAVE_JSON)
{
    static const char *const written[] = {"m.safetensors", "m.c", "m.onnx"};
    char path[512];
    lam_model *model = lam_model_new(3);
    lam_model_add_layers(model, "4:relu,layer_norm,2:softmax");
    lam_model_initialize(model, 1, NULL);
    for (size_t i = 0; i < 2 + LAM__HAVE_ONNX; i++) {
        scratch_path(folder, written[i], path);
        cr_assert_not(lam_output_is_own(path));
        cr_assert_eq(lam_model_export(model, path, NULL), LAM_OK, "%s", lam_error_message());
        cr_assert(lam_output_is_own(path), "%s", path);
    }
    cr_assert(lam_output_is_own(scratch_path(folder, "m.h", path)));
    lam_trainer *trainer = lam_trainer_new(model, NULL);
    scratch_path(folder, "checkpoint", path);
    cr_assert_eq(lam_trainer_save(trainer, path), LAM_OK, "%s", lam_error_message());
    cr_assert(lam_output_is_own(path));
    lam_trainer_free(trainer);
    lam_model_free(model);
}

Test(output, others_are_not_own)
{
    static const char *const texts[] = {
        "",
        "a,b\n1,2\n",
        "/* net.c: by hand. */\n/* net, written by Lamina 0.1.0. */\n",
        "\x89PNG\r\n\x1a\n",
        "........{\"__metadata__\":{\"format\":\"pt\"}",
        "\x08\x07\x12\x07pytorch",
    };
    char path[512];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        scratch_put(folder, "other", texts[i]);
        cr_expect_not(lam_output_is_own(scratch_path(folder, "other", path)), "%s", texts[i]);
    }
    cr_expect_not(lam_output_is_own(folder));
    cr_expect_not(lam_output_is_own(NULL));
    cr_expect_not(lam_output_is_own("/dev/zero"));
}

/* A picture that cannot be written leaves the former one as it was. */
Test(output, a_picture_is_replaced_once_the_new_one_is_whole, .disabled = !LAM__HAVE_IMAGES)
{
    char path[512];
    const uint8_t pixels[4] = {0, 1, 2, 3};
    scratch_path(folder, "p.png", path);
    scratch_put(folder, "p.png", "former");
    cr_assert_eq(lam_image_write_png(path, pixels, 2, 2, 1), LAM_OK, "%s", lam_error_message());
    cr_assert(lam_output_is_own(path));
    cr_assert_eq(scratch_count(folder), 1);
    cr_assert_eq(lam_image_write_png("/dev/full", pixels, 2, 2, 1), LAM_ERR_IO);
    cr_assert_eq(access("/dev/full", F_OK), 0);
}

/* Classes whose names together are more than a header may hold. */
Test(output, a_description_that_is_too_long_is_found_before_training, .disabled = !LAM__HAVE_JSON)
{
    enum { CLASSES = 4 };
    const size_t length = LAM__ST_HEADER_MOST / (CLASSES - 1);
    static const float x[CLASSES];
    static const int32_t labels[CLASSES] = {0, 1, 2, 3};
    char *text = malloc(length + 1);
    const char *names[CLASSES];
    memset(text, 'n', length);
    text[length] = '\0';
    for (int i = 0; i < CLASSES; i++)
        names[i] = text + i;
    lam_dataset *data = lam_dataset_new(x, LAM_FLOAT32, CLASSES, 1, LAM_BORROW);
    lam_dataset_set_classes(data, labels, CLASSES);
    cr_assert_eq(lam_dataset_set_class_names(data, names, CLASSES), LAM_OK);
    lam_model *model = lam_model_new(1);
    lam_model_dense(model, CLASSES, "softmax");
    cr_assert_eq(lam_model_check_save(model, NULL), LAM_OK, "%s", lam_error_message());
    cr_assert_eq(lam_model_check_save(model, data), LAM_ERR_ARGUMENT);
    cr_assert(strstr(lam_error_message(), "at most 100000000"), "%s", lam_error_message());
    names[1] = "caf\xe9";
    names[0] = names[2] = names[3] = "fine";
    cr_assert_eq(lam_dataset_set_class_names(data, names, CLASSES), LAM_OK);
    cr_assert_eq(lam_model_check_save(model, data), LAM_ERR_ARGUMENT);
    cr_assert(strstr(lam_error_message(), "'caf\\xe9'"), "%s", lam_error_message());
    cr_assert_eq(lam_model_check_save(NULL, NULL), LAM_ERR_ARGUMENT);
    lam_model_free(model);
    lam_dataset_free(data);
    free(text);
}
