#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "morph/base/error.h"

/// Expects `expression` to throw morph::Error with `substring` in its message.
#define EXPECT_ERROR(expression, substring)                                  \
  EXPECT_THAT([&] { static_cast<void>(expression); },                        \
              ::testing::ThrowsMessage<::morph::Error>(::testing::HasSubstr(substring)))
