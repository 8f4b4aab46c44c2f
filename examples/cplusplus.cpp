/* cplusplus.cpp: Lamina from C++: handles in unique_ptr, errors as exceptions.
 *
 * Learns the exclusive or and prints its truth table. */
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

#include <lamina/lamina.h>

namespace
{

struct Free {
    void operator()(lam_model *model) const
    {
        lam_model_free(model);
    }
    void operator()(lam_dataset *dataset) const
    {
        lam_dataset_free(dataset);
    }
    void operator()(lam_history *history) const
    {
        lam_history_free(history);
    }
};

using Model = std::unique_ptr<lam_model, Free>;
using Dataset = std::unique_ptr<lam_dataset, Free>;
using History = std::unique_ptr<lam_history, Free>;

void check(lam_status status)
{
    if (status != LAM_OK)
        throw std::runtime_error(lam_error_message());
}

template <typename Handle> Handle own(typename Handle::pointer pointer)
{
    if (!pointer)
        throw std::runtime_error(lam_error_message());
    return Handle(pointer);
}

bool run()
{
    const std::vector<float> x = {0, 0, 0, 1, 1, 0, 1, 1}; // [4][2]
    const std::vector<float> t = {0, 1, 1, 0};             // [4][1]
    Dataset data = own<Dataset>(lam_dataset_new(x.data(), LAM_FLOAT32, 4, 2, LAM_BORROW));
    check(lam_dataset_set_targets(data.get(), t.data(), 1));

    Model model = own<Model>(lam_model_new(2));
    check(lam_model_dense(model.get(), 16, "tanh"));
    check(lam_model_dense(model.get(), 1, "sigmoid"));

    lam_fit_options fit = lam_fit_options_default();
    fit.epochs = 500;
    fit.learning_rate = 0.05f;
    lam_history *epochs = nullptr;
    check(lam_fit(model.get(), data.get(), &fit, &epochs));
    History history(epochs);
    const lam_epoch *last = lam_history_epoch(history.get(), lam_history_epochs(history.get()) - 1);
    std::printf("loss %.4f after %zu epochs\n", last->train.loss, last->epoch);

    std::vector<float> y(4), decided(4);
    check(lam_predict(model.get(), x.data(), 4, y.data()));
    check(lam_model_decide(model.get(), y.data(), 4, 0.5f, decided.data()));
    for (std::size_t i = 0; i < 4; i++)
        std::printf("%g xor %g = %g  (%.3f)\n", double(x[2 * i]), double(x[2 * i + 1]),
                    double(decided[i]), double(y[i]));

    // An error arrives with its text.
    bool refused = false;
    try {
        check(lam_model_dense(own<Model>(lam_model_new(2)).get(), 4, "rellu"));
    } catch (const std::runtime_error &error) {
        std::printf("a misspelt name: %s\n", error.what());
        refused = true;
    }
    return decided == t && last->train.loss < 0.1 && refused;
}

} // namespace

int main()
{
    try {
        return run() ? 0 : 1;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "cplusplus: %s\n", error.what());
        return 1;
    }
}
