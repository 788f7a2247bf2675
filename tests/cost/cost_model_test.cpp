#include "morph/cost/cost_model.h"

#include "expect_error.h"

#include "morph/cost/activations.h"
#include "morph/cost/flops.h"
#include "morph/cost/params.h"

namespace morph {
namespace {

TEST(CostModel, AreMadeByName) {
  EXPECT_EQ(cost_model_names(), (std::vector<std::string>{"flops", "params", "activations"}));
  for (const std::string& name : cost_model_names()) {
    EXPECT_EQ(make_cost_model(name)->name(), name);
    EXPECT_FALSE(make_cost_model(name)->unit().empty());
  }
}

TEST(CostModel, UnknownName) {
  EXPECT_ERROR(make_cost_model("flop"),
               "unknown cost 'flop'; known: flops, params, activations. Did you mean 'flops'?");
  EXPECT_ERROR(make_cost_model(""), "unknown cost ''; known: flops, params, activations.");
}

TEST(BilinearForm, IsBilinear) {
  const BilinearForm form{.pair = 2, .per_in = 3, .per_out = 5, .fixed = 7};
  EXPECT_EQ(form(0, 0), 7);
  EXPECT_EQ(form(1, 0), 10);
  EXPECT_EQ(form(0, 1), 12);
  EXPECT_EQ(form(4, 10), 149);
}

TEST(CostModel, FormsOfOneNode) {
  const Work dense{.macs_per_pair = 3,
                   .weights_per_pair = 2,
                   .offsets_per_output = 1,
                   .input_size = 50,
                   .output_size = 40};
  EXPECT_EQ(Flops().forms(dense).at(0)(10, 100), 6000);
  EXPECT_EQ(ParamCount().forms(dense).at(0)(10, 100), 2100);
  EXPECT_EQ(Activations().forms(dense).at(0)(10, 100), 4000);

  const Work depthwise{.macs_per_output = 3, .weights_per_output = 2, .output_size = 40};
  EXPECT_EQ(Flops().forms(depthwise).at(0)(10, 100), 600);
  EXPECT_EQ(ParamCount().forms(depthwise).at(0)(10, 100), 200);

  const Work normalization{.offsets_per_output = 2, .output_size = 40};
  EXPECT_TRUE(Flops().forms(normalization).empty());
  EXPECT_TRUE(Activations().forms(normalization).empty());
  EXPECT_EQ(ParamCount().forms(normalization).at(0)(100, 100), 200);

  const Work activation{.output_size = 40};
  EXPECT_TRUE(ParamCount().forms(activation).empty());
}

}  // namespace
}  // namespace morph
