#pragma once

#include <string>

namespace morph {

/// The network that MorphNet's own tests use most, in text form without its head: a 7 × 5 and a
/// 1 × 1 convolution on a 17 × 19 image, concatenated, then a 3 × 3 convolution with stride 2 and a
/// 1 × 1 convolution.
inline constexpr const char* kNetABody = R"(
image = Input() shape=[1, 3, 17, 19]
conv1 = Conv(image; weight=[13, 3, 7, 5]) pads=[3, 2, 3, 2]
bn1 = BatchNormalization(conv1; weight=[13], bias=[13], running_mean=[13], running_var=[13])
relu1 = Relu(bn1)
conv2 = Conv(image; weight=[23, 3, 1, 1])
bn2 = BatchNormalization(conv2; weight=[23], bias=[23], running_mean=[23], running_var=[23])
relu2 = Relu(bn2)
cat = Concat(relu1, relu2) axis=1
conv3 = Conv(cat; weight=[29, 36, 3, 3]) pads=[1, 1, 1, 1] strides=[2, 2]
bn3 = BatchNormalization(conv3; weight=[29], bias=[29], running_mean=[29], running_var=[29])
relu3 = Relu(bn3)
conv4 = Conv(cat; weight=[31, 36, 1, 1])
bn4 = BatchNormalization(conv4; weight=[31], bias=[31], running_mean=[31], running_var=[31])
relu4 = Relu(bn4)
)";

/// NET-A as the original has it: the two last activations are its outputs.
inline const std::string kNetAToOutputs = std::string(kNetABody) + "return relu3, relu4\n";

/// NET-A with a dense layer of one output behind it, so that no channel of its convolutions is an
/// output.
inline const std::string kNetA = std::string(kNetABody) + R"(mean3 = GlobalAveragePool(relu3)
mean4 = GlobalAveragePool(relu4)
means = Concat(mean3, mean4) axis=1
flat = Flatten(means)
fc = Gemm(flat; weight=[1, 60])
return fc
)";

}  // namespace morph
