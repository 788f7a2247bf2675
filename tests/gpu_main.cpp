#include <gmock/gmock.h>

#include "morph/nn/device.h"

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  morph::exit_program(RUN_ALL_TESTS());
}
