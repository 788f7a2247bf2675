#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/base/error.h"

namespace morph {

/// Whether `action` throws morph::Error with `substring` in its message. A plain function, because
/// gmock's matchers are compiled anew for each place that uses one.
inline testing::AssertionResult throws_error(const std::function<void()>& action,
                                             std::string_view substring) {
  try {
    action();
  } catch (const Error& error) {
    if (std::string_view(error.what()).find(substring) != std::string_view::npos) {
      return testing::AssertionSuccess();
    }
    return testing::AssertionFailure()
           << "the message lacks \"" << substring << "\":\n  " << error.what();
  }
  return testing::AssertionFailure() << "nothing was thrown";
}

}  // namespace morph

/// Expects `expression` to throw morph::Error with `substring` in its message.
#define EXPECT_ERROR(expression, substring) \
  EXPECT_TRUE(::morph::throws_error([&] { static_cast<void>(expression); }, (substring)))
