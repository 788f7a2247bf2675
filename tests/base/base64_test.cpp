#include "morph/base/base64.h"

#include "expect_error.h"
#include <gtest/gtest.h>

namespace morph {
namespace {

TEST(Base64, IsThatOfTheRfc) {
  // RFC 4648, section 10.
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(to_base64(std::string("\xff\xef\x00", 3)), "/+8A");
}

TEST(Base64, GivesTheBytesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i * 7);
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
  }
}

TEST(Base64, RefusesWhatIsNone) {
  EXPECT_ERROR(from_base64("Zg!="), "no base64");
  EXPECT_ERROR(from_base64("Zm9"), "damaged base64");
  EXPECT_ERROR(from_base64("Zh=="), "damaged base64");
  EXPECT_ERROR(from_base64("Zm9v="), "damaged base64");
}

}  // namespace
}  // namespace morph
