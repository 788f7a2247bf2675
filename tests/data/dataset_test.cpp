#include "morph/data/dataset.h"

#include "expect_error.h"
#include <gtest/gtest.h>

#include "morph/base/error.h"
#include "morph/data/specification.h"

namespace morph {
namespace {

TEST(DataSpecificationTest, TakesItsPartsApart) {
  const DataSpecification all = parse_data_specification("folder:/a:b/c?size=64&x=");
  EXPECT_EQ(all.name, "folder");
  EXPECT_EQ(all.path, "/a:b/c");
  EXPECT_EQ(all.options.at("size"), "64");
  EXPECT_EQ(all.options.at("x"), "");
  const DataSpecification bare = parse_data_specification("cifar10");
  EXPECT_EQ(bare.name, "cifar10");
  EXPECT_TRUE(bare.path.empty());
  EXPECT_TRUE(bare.options.empty());
}

TEST(DataSpecificationTest, RefusesMalformedOptions) {
  EXPECT_ERROR(parse_data_specification("synthetic?classes"), "expected key=value after '?'");
  EXPECT_ERROR(parse_data_specification("synthetic?=3"), "got '=3'");
  EXPECT_ERROR(parse_data_specification("synthetic?a=1&a=2"), "'a' is given twice");
}

TEST(OpenDataTest, UnknownNameSuggestsTheNearest) {
  EXPECT_ERROR(open_data("fashon-mnist"),
               "unknown data set 'fashon-mnist'. Did you mean 'fashion-mnist'?");
  EXPECT_ERROR(open_data("imagenet22k"), "Known: fashion-mnist, cifar10, folder, synthetic.");
  EXPECT_ERROR(open_data(""), "unknown data set ''");
}

TEST(OpenDataTest, RefusesOptionsThatTheSetDoesNotTake) {
  EXPECT_ERROR(open_data("cifar10?size=3"), "unknown option 'size'. It takes none.");
  EXPECT_ERROR(
      open_data("synthetic?class=3"),
      "unknown option 'class'. Did you mean 'classes'? Known: classes, input, train, test");
  EXPECT_ERROR(open_data("synthetic?classes=0"), "classes: expected at least 1, got 0");
  EXPECT_ERROR(open_data("synthetic?train=many"), "train: expected an integer, got 'many'");
  EXPECT_ERROR(open_data("synthetic?input=32x32"), "expected CHANNELSxHEIGHTxWIDTH");
  EXPECT_ERROR(open_data("synthetic:/data"), "it takes no path");
  EXPECT_ERROR(open_data("folder"), "expected a folder, as in folder:DIR");
}

TEST(OpenDataTest, NamesAreListedWithDescriptions) {
  ASSERT_EQ(data_names().size(), 4U);
  EXPECT_EQ(data_names()[0].name, "fashion-mnist");
  for (const DataName& entry : data_names()) EXPECT_FALSE(entry.description.empty());
}

}  // namespace
}  // namespace morph
