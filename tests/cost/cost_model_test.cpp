#include "morph/cost/cost_model.h"

#include <algorithm>

#include "expect_error.h"

#include "morph/cost/activations.h"
#include "morph/cost/flops.h"
#include "morph/cost/params.h"

namespace morph {
namespace {

TEST(CostModel, AreMadeByName) {
  const std::vector<std::string> names = {
      "flops", "params", "weights", "activations", "channels", "memory", "activation-memory"};
  EXPECT_EQ(cost_model_names(), names);
  for (const std::string& name : names) {
    EXPECT_EQ(make_cost_model(name)->name(), name);
    EXPECT_FALSE(make_cost_model(name)->unit().empty());
  }
  EXPECT_EQ(make_cost_model("latency:V100")->name(), "latency:V100");
  EXPECT_EQ(make_cost_model("latency:V100")->unit(), "ns");
  for (const std::string& name : default_cost_names()) {
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 1) << name;
  }
}

TEST(CostModel, UnknownName) {
  EXPECT_ERROR(make_cost_model("flop"),
               "unknown cost 'flop'; known: flops, params, weights, activations, channels, memory, "
               "activation-memory, latency:DEVICE. Did you mean 'flops'?");
  EXPECT_ERROR(make_cost_model(""), "unknown cost ''; known: flops,");
  EXPECT_ERROR(make_cost_model("latency"), "latency:DEVICE");
}

TEST(CostModel, RefusesAnEmptyBatchAndElementsWithoutSize) {
  EXPECT_ERROR(make_cost_model("flops", {.batch_size = 0}),
               "batch size: expected 1 or more, got 0");
  EXPECT_ERROR(make_cost_model("memory", {.element_bytes = 0}),
               "element size: expected 1 byte or more, got 0");
}

TEST(CostModel, ListsAreSplitAtCommasOutsideOfDevices) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(split_cost_names("flops"), Names{"flops"});
  EXPECT_EQ(split_cost_names("flops, latency:V100,memory"),
            (Names{"flops", "latency:V100", "memory"}));
  EXPECT_EQ(split_cost_names("latency:peak=1T,bandwidth=100,latency:bandwidth=2,peak=3,flops"),
            (Names{"latency:peak=1T,bandwidth=100", "latency:bandwidth=2,peak=3", "flops"}));
  EXPECT_EQ(split_cost_names(""), Names{});
  EXPECT_ERROR(split_cost_names("flops,"), "costs 'flops,': an entry is empty");
  EXPECT_ERROR(split_cost_names(",flops"), "an entry is empty");
}

TEST(BilinearForm, IsBilinear) {
  const BilinearForm form{.pair = 2, .per_in = 3, .per_out = 5, .fixed = 7};
  EXPECT_EQ(form(0, 0), 7);
  EXPECT_EQ(form(1, 0), 10);
  EXPECT_EQ(form(0, 1), 12);
  EXPECT_EQ(form(4, 10), 149);
}

TEST(CostModel, FormsOfOneNode) {
  const Work dense{
      .macs_per_pair = 3, .weights_per_pair = 2, .offsets_per_output = 1, .output_size = 40};
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
