#include "morph/ops/opaque.h"

#include "ops/chain.h"

namespace morph {
namespace {

Node opaque(const Attr& shape) {
  return {.name = "o",
          .op = "Opaque",
          .attrs = {{"call", "o"}, {"op_type", "TopK"}, {"proto", "AA=="}, {"shape", shape}}};
}

TEST(Opaque, HasTheDeclaredShapeWithOneWhereItIsOpen) {
  EXPECT_EQ(shape_of(opaque(Ints{1, 6, -1, 2}), {{1, 6, 4}}), (Shape{1, 6, 1, 2}));
  EXPECT_EQ(shape_of(opaque(Ints{-1, 3}), {}), (Shape{1, 3}));
  Node bare = opaque(Ints{1});
  bare.attrs.erase("shape");
  EXPECT_EQ(shape_of(bare, {}), Shape{1});
  bare.attrs.erase("proto");
  EXPECT_ERROR(shape_of(bare, {}), "[o: Opaque] needs 'proto'");
}

TEST(Opaque, PinsBothSides) {
  Chain chain;
  const Value x = chain.value({1, 4, 2, 2});
  const Value y = chain.apply(opaque(Ints{1, 3, 2}), {x});
  EXPECT_EQ(chain.reason(0), "reaches 'o', the op TopK, which is not known");
  EXPECT_EQ(y.channels, Channels::along(3, 1, {4, 5, 6}));
  EXPECT_EQ(chain.reason(6), "made by 'o', the op TopK, which is not known");
  EXPECT_EQ(chain.apply(opaque(Ints{1}), {}).channels, Channels::uniform(1, 7));
}

}  // namespace
}  // namespace morph
