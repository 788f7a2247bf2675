#pragma once

#include <string>

#include "train/fixtures.h"

#include "morph/base/error.h"

namespace morph::test {

/// What one run of a program left.
struct Outcome {
  int code = -1;  ///< Exit status; 128 + N if signal N ended it.
  std::string out = {};
  std::string err = {};
};

/// `text` as one word of a shell command.
std::string in_quotes(const std::string& text);

/// A folder of its own in which the morphnet command is run.
class Workplace {
 public:
  explicit Workplace(const std::string& name) : scratch_("cli_" + name) {}

  /// Runs "morphnet ARGUMENTS", quoted for a shell.
  Outcome morphnet(const std::string& arguments) const;

  /// Runs a shell command in which "$morphnet" is the program.
  Outcome shell(const std::string& command) const;

  void write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;
  bool has(const std::string& name) const;
  std::filesystem::path operator/(const std::string& name) const { return scratch_.path() / name; }

 private:
  ScratchFolder scratch_;
};

/// Four kinds of striped 12 × 12 images, quoted for a shell.
inline constexpr const char* kData = "'synthetic?classes=4&input=3x12x12&train=200&test=50'";

}  // namespace morph::test

/// Expects "morphnet ARGUMENTS" to end with `status`, one message that holds `substring` on the
/// error stream and nothing on the other.
#define EXPECT_REFUSED(place, arguments, status, substring)                   \
  do {                                                                        \
    const ::morph::test::Outcome outcome = (place).morphnet(arguments);       \
    EXPECT_EQ(outcome.code, status) << outcome.err;                           \
    EXPECT_NE(outcome.err.find(substring), std::string::npos) << outcome.err; \
    EXPECT_EQ(outcome.err.rfind("morphnet: ", 0), 0U) << outcome.err;         \
    EXPECT_EQ(outcome.out, "");                                               \
  } while (false)
