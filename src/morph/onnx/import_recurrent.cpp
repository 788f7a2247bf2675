#include <algorithm>
#include <array>
#include <numeric>

#include "morph/base/error.h"
#include "morph/onnx/importer.h"

namespace morph::onnx {
namespace {

/// Throws Error for what a recurrence of ours does not have.
void check_plain(const OpCall& call) {
  if (call.has_input(4)) call.fail("sequences of different lengths are not supported");
  for (const size_t i : {size_t{5}, size_t{6}}) {
    if (!call.has_input(i)) continue;
    const bool is_zero = std::ranges::all_of(call.constant(i).bytes, [](char c) { return c == 0; });
    if (!is_zero) call.fail("begins with a state that is not zero, which is not supported");
  }
  if (call.has_input(7)) call.fail("peepholes are not supported");
  if (call.has_attribute("clip")) call.fail("'clip' is not supported");
  if (call.integer("input_forget", 0) != 0) call.fail("input_forget = 1 is not supported");
  if (call.op() == "GRU" && call.integer("linear_before_reset", 0) != 1) {
    call.fail("only linear_before_reset = 1, PyTorch's form, is supported");
  }
}

/// The activation of all directions of an RNN; those of GRU and LSTM must be the usual ones.
std::string activation(const OpCall& call) {
  const AttributeProto* stated = call.node().find("activations");
  std::vector<std::string> usual = {"Tanh"};
  if (call.op() == "GRU") usual = {"Sigmoid", "Tanh"};
  if (call.op() == "LSTM") usual = {"Sigmoid", "Tanh", "Tanh"};
  if (stated == nullptr || stated->strings.empty()) return usual[0];
  const bool is_relu = call.op() == "RNN" && std::ranges::count(stated->strings, "Relu") ==
                                                 static_cast<int64_t>(stated->strings.size());
  if (is_relu) return "Relu";
  for (size_t i = 0; i < stated->strings.size(); ++i) {
    if (stated->strings[i] != usual[i % usual.size()]) {
      call.fail(cat("activation '", stated->strings[i], "' is not supported"));
    }
  }
  return usual[0];
}

/// What it reads has time in front and then the batch, or with layout 1 the batch as ours has.
std::vector<Value> import_recurrent(Importer& importer, const OpCall& call) {
  check_plain(call);
  const Value& x = call.input(0);
  const bool has_batch_first = call.integer("layout", 0) == 1;
  if (!x.is_live() || importer.place(call) != BatchPlace{.axis = has_batch_first ? 0U : 1U}) {
    call.fail(
        "takes the steps from the first axis and the batch from the second, and the network's "
        "batch is not there: export with batch_first=True");
  }
  NewNode node{
      .op = call.op(), .inputs = {x.node}, .place = BatchPlace{.axis = has_batch_first ? 0U : 2U}};
  const std::string direction = call.text("direction", "forward");
  if (direction != "forward") node.attrs["direction"] = direction;
  if (activation(call) == "Relu") node.attrs["activations"] = std::string("Relu");
  std::vector<Weight> weights = {importer.weight(call, 1, "weight"),
                                 importer.weight(call, 2, "recurrence")};
  if (call.has_input(3)) weights.push_back(importer.weight(call, 3, "bias"));
  return {importer.add(call, std::move(node), std::move(weights))};
}

constexpr std::array kRules = {
    ImportRow{"GRU", import_recurrent},
    ImportRow{"LSTM", import_recurrent},
    ImportRow{"RNN", import_recurrent},
};

}  // namespace

std::span<const ImportRow> recurrent_rules() { return kRules; }

}  // namespace morph::onnx
