#include "morph/zoo/builder.h"

#include "expect_error.h"

#include "morph/ir/text.h"

namespace morph::zoo {
namespace {

TEST(Builder, StatesOnlyWhatDiffersFromOnnxDefaults) {
  Builder net("b", {.input = {4, 9, 9}});
  NodeId x = net.conv("pointwise", net.input(), {.out = 6, .kernel = {1, 1}});
  x = net.conv("asymmetric", x, {.out = 6, .kernel = {1, 7}});
  x = net.conv("depthwise", x, {.out = 12, .stride = 2, .groups = 6});
  x = net.max_pool("max", x, {.kernel = 2});
  x = net.average_pool("average", x, {.kernel = 3, .stride = 2, .padding = 1});
  x = net.concat("concat", {x, x});
  EXPECT_EQ(print_graph(net.finish(net.dense("dense", net.flatten("flat", x), 3))), R"(morph 1
network "b"
input = Input() shape=[1, 4, 9, 9] -> [1, 4, 9, 9]
pointwise = Conv(input; weight=[6, 4, 1, 1]) -> [1, 6, 9, 9]
asymmetric = Conv(pointwise; weight=[6, 6, 1, 7]) pads=[0, 3, 0, 3] -> [1, 6, 9, 9]
depthwise = Conv(asymmetric; weight=[12, 1, 3, 3]) group=6 pads=[1, 1, 1, 1] strides=[2, 2] -> [1, 12, 5, 5]
max = MaxPool(depthwise) kernel_shape=[2, 2] -> [1, 12, 4, 4]
average = AveragePool(max) count_include_pad=1 kernel_shape=[3, 3] pads=[1, 1, 1, 1] strides=[2, 2] -> [1, 12, 2, 2]
concat = Concat(average, average) axis=1 -> [1, 24, 2, 2]
flat = Flatten(concat) -> [1, 96]
dense = Gemm(flat; bias=[3], weight=[3, 96]) -> [1, 3]
return dense
)");
}

TEST(Builder, ScalesWidths) {
  const Builder half("b", {.width = 0.5});
  EXPECT_EQ(half.width(16), 8);
  EXPECT_EQ(half.width(5), 3);
  EXPECT_EQ(half.width(1), 1);
  const Builder none("b", {.width = 0.001});
  EXPECT_EQ(none.width(16), 1);
}

TEST(Builder, NamesTheNodeThatDoesNotFit) {
  Builder net("b", {.input = {3, 8, 8}});
  const NodeId a = net.conv("a", net.input(), {.out = 4});
  const NodeId b = net.conv("b", net.input(), {.out = 4, .stride = 2});
  EXPECT_ERROR(net.add("sum", a, b), "[sum: Add]");
  EXPECT_ERROR(net.max_pool("pool", a, {.kernel = 9}), "[pool: MaxPool]");
  EXPECT_ERROR(net.conv("a", net.input(), {.out = 4}), "'a' is used by two nodes");
}

}  // namespace
}  // namespace morph::zoo
