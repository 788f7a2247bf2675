#include "morph/cost/latency.h"

#include "morph/base/error.h"
#include "morph/cost/flops.h"
#include "morph/cost/memory.h"

namespace morph {

Latency::Latency(std::string_view device, const Roofline& roofline, const CostOptions& options)
    : CostModel(options), name_(cat("latency:", device)), roofline_(roofline) {}

std::vector<BilinearForm> Latency::forms(const Work& work) const {
  std::vector<BilinearForm> forms;
  if (computes(work)) {
    forms.push_back(arithmetic(work, options()).scaled(1 / roofline_.peak_gflops));
  }
  if (moves(work)) {
    forms.push_back(traffic(work, options()).scaled(1 / roofline_.bandwidth_gbs));
  }
  return forms;
}

}  // namespace morph
