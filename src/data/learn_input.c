/* learn_input.c: what a model takes over from the data it is trained on. */
#include "data/learn_input.h"

#include "base/error.h"
#include "data/source.h"
#include "model/network.h"

void lam__model_view_learnt(const lam_model *model, const lam_dataset *dataset, lam_model *view)
{
    *view = *model;
    if (model->input.kind == LAM_INPUT_VALUES)
        view->input = dataset->input;
    if (model->class_count > 0)
        return;
    view->class_names = dataset->class_names;
    view->class_count = dataset->class_name_count;
}

lam_status lam__model_learn_input(lam_model *model, const lam_dataset *dataset)
{
    if (model->input.kind == LAM_INPUT_VALUES)
        LAM__TRY(lam__input_copy(&dataset->input, &model->input));
    if (model->class_count > 0 || dataset->class_name_count == 0)
        return LAM_OK;
    return lam__model_take_class_names(model, (const char *const *)dataset->class_names,
                                       dataset->class_name_count);
}
