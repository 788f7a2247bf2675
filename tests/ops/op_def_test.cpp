#include "morph/ops/op_def.h"

#include <algorithm>

#include "expect_error.h"

namespace morph {
namespace {

TEST(OpDef, EveryRowStatesEveryRule) {
  for (const OpDef* op : all_ops()) {
    SCOPED_TRACE(op->name);
    EXPECT_FALSE(op->name.empty());
    EXPECT_LE(op->min_inputs, op->max_inputs);
    EXPECT_NE(op->infer_shape, nullptr);
    EXPECT_NE(op->channels, nullptr);
    EXPECT_NE(op->work, nullptr);
    EXPECT_NE(op->resize, nullptr);
  }
}

TEST(OpDef, ListIsSortedWithoutRepeats) {
  const auto ops = all_ops();
  EXPECT_FALSE(ops.empty());
  for (size_t i = 1; i < ops.size(); ++i) EXPECT_LT(ops[i - 1]->name, ops[i]->name);
}

TEST(OpDef, AttributesAreSortedAndScaleSlotsAreSlots) {
  for (const OpDef* op : all_ops()) {
    SCOPED_TRACE(op->name);
    EXPECT_TRUE(std::is_sorted(op->attributes.begin(), op->attributes.end()));
    if (op->scale_slot.empty()) continue;
    EXPECT_TRUE(std::any_of(op->slots.begin(), op->slots.end(), [op](const Slot& slot) {
      return slot.name == op->scale_slot && slot.trainable;
    }));
  }
}

TEST(OpDef, IsFoundByName) {
  for (const OpDef* op : all_ops()) EXPECT_EQ(&op_def(op->name), op);
}

TEST(OpDef, NamesTheNearestOpForAnUnknownOne) {
  EXPECT_ERROR(op_def("Convv"), "unknown op 'Convv'. Did you mean 'Conv'?");
}

TEST(OpDef, OnlySumsAndConcatDoWithoutAnInput) {
  for (const OpDef* op : all_ops()) {
    const bool any = op->name == "Add" || op->name == "Sum" || op->name == "Concat";
    EXPECT_EQ(op->needs == Needs::kAnyInput, any) << op->name;
  }
}

}  // namespace
}  // namespace morph
