#include "morph/sweep/sweep_results.h"

#include "expect_error.h"
#include "temporary_folder.h"
#include <nlohmann/json.hpp>

#include "morph/base/file.h"
#include "morph/base/json_file.h"
#include "morph/cost/cost_model.h"
#include "morph/report/resources.h"

namespace morph {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// With a channels in the first layer and b in the second it costs 2 (a + ab + b) FLOPs.
std::string chain(int a, int b) {
  return cat("morph 1\nnetwork \"chain\"\nx = Input() shape=[1, 1, 1, 1]\n",
             a > 0 ? cat("a = Conv(x; weight=[", a, ", 1, 1, 1])\n") : "",
             "b = Conv(a; weight=[",
             b,
             ", ",
             a,
             ", 1, 1])\nhead = Conv(b; weight=[1, ",
             b,
             ", 1, 1])\nreturn head\n");
}

class SweepResults : public ::testing::Test {
 protected:
  SweepResults() {
    request_ = {.root = folder_.path(),
                .network = folder_ / "networks" / "seed.morph",
                .data = "synthetic",
                .budgets = {"flops=0.5x"},
                .methods = {"morphnet", "uniform"},
                .seeds = 1};
    overwrite(request_.network, chain(4, 6));
    points_ = plan_points(request_);
  }

  void finish(const SweepPoint& point, const json& run) const {
    overwrite(point.folder / "run.json", run.dump());
  }

  SweepReport collect() const {
    return with_results({.costs = {"flops", "activations"}}, request_, points_);
  }

  TemporaryFolder folder_;
  SweepRequest request_;
  std::vector<SweepPoint> points_;
};

json trained(double top1) {
  return {{"device", "a CPU"}, {"result", {{"trained", {{"top1", top1}, {"epochs", 5}}}}}};
}

TEST_F(SweepResults, NothingFinished) {
  const SweepReport sweep = collect();
  EXPECT_THAT(sweep.rows, IsEmpty());
  EXPECT_EQ(sweep.points, 3);
  ASSERT_EQ(sweep.layers.size(), 2U) << "the head is the output and cannot change";
  EXPECT_EQ(sweep.layers[1].name, "b");
  EXPECT_EQ(sweep.layers[1].width, 6);
}

TEST_F(SweepResults, OfWhatIsTrained) {
  finish(points_[0], trained(91.5));
  overwrite(points_[0].folder / "seed.morph", chain(4, 6));
  finish(points_[2], trained(88));
  overwrite(points_[2].folder / "uniform_flops=0.5x.morph", chain(3, 4));
  const SweepReport sweep = collect();
  EXPECT_THAT(sweep.rows,
              ElementsAre(SweepRow{.network = "chain",
                                   .method = "seed",
                                   .costs = {{"activations", 11}, {"flops", 68}, {"params", 34}},
                                   .top1 = 91.5,
                                   .epochs = 5,
                                   .folder = "points/seed_seed0"},
                          SweepRow{.network = "chain",
                                   .method = "uniform",
                                   .budget = "flops=0.5x",
                                   .costs = {{"activations", 8}, {"flops", 38}, {"params", 19}},
                                   .top1 = 88,
                                   .epochs = 5,
                                   .folder = "points/uniform_flops=0.5x_seed0"}));
  EXPECT_EQ(sweep.device, "a CPU");
}

TEST_F(SweepResults, OfWhatIsLearned) {
  const json figures = {{"top1", 90}, {"epochs", 8}};
  finish(points_[1],
         {{"device", "a CPU"},
          {"networks",
           {{{"name", "learned"}, {"note", "weights inherited"}},
            {{"name", "scratch"}, {"note", "from fresh weights"}},
            {{"name", "expanded"}, {"note", "from fresh weights"}}}},
          {"result",
           {{"seed", {{"top1", nullptr}, {"epochs", 0}}},
            {"learned", figures},
            {"scratch", {{"top1", 89}, {"epochs", 5}}},
            {"expanded", {{"top1", 92}, {"epochs", 5}}}}}});
  for (const char* name : {"learned.morph", "scratch.morph"}) {
    overwrite(points_[1].folder / name, chain(1, 6));
  }
  overwrite(points_[1].folder / "expanded.morph", chain(2, 12));
  const SweepReport sweep = collect();
  std::vector<std::string> rows;
  for (const SweepRow& row : sweep.rows) {
    rows.push_back(cat(row.method, " ", row.top1, row.inherited ? " inherited" : ""));
  }
  EXPECT_THAT(rows, ElementsAre("morphnet-expanded 92", "morphnet 90 inherited", "morphnet 89"));
  ASSERT_EQ(sweep.widths.size(), 1U);
  EXPECT_THAT(sweep.widths[0].widths, ElementsAre(1, 6));
}

TEST_F(SweepResults, ADamagedRunIsNamed) {
  finish(points_[0], json::object());
  EXPECT_ERROR(collect(), "points/seed_seed0/run.json' is not the record of a run: ");
  overwrite(points_[0].folder / "run.json", "{\"res");
  EXPECT_ERROR(collect(), "run.json' is damaged");
}

TEST_F(SweepResults, AreWrittenInEveryForm) {
  finish(points_[0], trained(91.5));
  overwrite(points_[0].folder / "seed.morph", chain(4, 6));
  write_results(collect(), request_);
  EXPECT_EQ(read_json(folder_ / "results.json").at("results").at(0).at("top1"), 91.5);
  EXPECT_EQ(read_file(folder_ / "results.csv"),
            "network,method,budget,mflops,params,seed,top1,epochs,inherited\n"
            "chain,seed,,6.8e-05,34,0,91.5,5,false\n");
  EXPECT_THAT(read_file(folder_ / "sweep.html"), HasSubstr("91.50"));
  EXPECT_THAT(read_file(folder_ / "sweep-flops.svg"), HasSubstr("</svg>"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "sweep-activations.svg"));
}

/// The pages know resources by name alone; here is the first layer that sees the costs too.
TEST(ResourceUnit, IsThatOfTheCost) {
  std::vector<std::string> costs = cost_model_names();
  costs.emplace_back("latency:H100");
  for (const std::string& cost : costs) {
    const std::string_view unit = make_cost_model(cost)->unit();
    const bool is_counted = unit != "ns" && unit != "bytes";
    EXPECT_EQ(resource_unit(cost), is_counted ? "" : unit) << cost;
  }
}

}  // namespace
}  // namespace morph
