#include <cmath>
#include <limits>

#include "expect_error.h"
#include "sample_run.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "morph/report/report.h"

namespace morph {
namespace {

using nlohmann::json;

TEST(ReportJson, RoundTrip) {
  for (const RunReport& run : {sample_run(9), sample_run(21), RunReport()}) {
    const std::string text = to_json(run).dump(2);
    EXPECT_EQ(report_from_json(json::parse(text)), run);
    EXPECT_EQ(to_json(report_from_json(json::parse(text))).dump(2), text);
  }
}

TEST(ReportJson, AbsentFiguresHaveNoKey) {
  RunReport run;
  run.networks = {{.name = "expanded", .costs = {{"flops", 12}}}};
  const json network = to_json(run)["networks"][0];
  EXPECT_FALSE(network.contains("top1"));
  EXPECT_EQ(network["costs"]["flops"], 12);
  EXPECT_FALSE(report_from_json(to_json(run)).networks[0].top1.has_value());
}

TEST(ReportJson, FiguresThatAreNotFiniteAreNull) {
  RunReport run;
  run.phases = {{"diverged", {}, {{.epoch = 1, .loss = std::numeric_limits<double>::infinity()}}}};
  const json written = json::parse(to_json(run).dump());
  EXPECT_TRUE(written["phases"][0]["epochs"][0]["loss"].is_null());
  EXPECT_TRUE(std::isnan(report_from_json(written).phases[0].epochs[0].loss));
}

TEST(ReportJson, OtherKeysAreLeftAlone) {
  json object = to_json(sample_run(9));
  object["result"] = {{"seed", 1}};
  EXPECT_EQ(report_from_json(object), sample_run(9));
}

TEST(ReportJson, MissingFieldsAreNamed) {
  json object = to_json(sample_run(9));
  object["layers"][3].erase("seed_width");
  EXPECT_ERROR(report_from_json(object), "run report: layers[3].seed_width is missing");
  object.erase("title");
  EXPECT_ERROR(report_from_json(object), "run report: title is missing");
}

TEST(ReportJson, WrongKindsAreNamed) {
  const auto with = [](const char* pointer, const json& value) {
    json object = to_json(sample_run(9));
    object[json::json_pointer(pointer)] = value;
    return object;
  };
  EXPECT_ERROR(report_from_json(with("/networks/0/epochs", "sixty")),
               R"(networks[0].epochs: expected an integer, got "sixty")");
  EXPECT_ERROR(report_from_json(with("/networks/0/epochs", 1.5)), "expected an integer, got 1.5");
  EXPECT_ERROR(report_from_json(with("/networks/1/top1", true)),
               "networks[1].top1: expected a number or null, got true");
  EXPECT_ERROR(report_from_json(with("/layers/0/removed", 1)),
               "layers[0].removed: expected true or false, got 1");
  EXPECT_ERROR(report_from_json(with("/settings/seed", 1)),
               "settings.seed: expected a string, got 1");
  EXPECT_ERROR(report_from_json(with("/phases/1/epochs", json::object())),
               "phases[1].epochs: expected a list, got {}");
  EXPECT_ERROR(report_from_json(with("/phases", to_json(sample_run(9)))),
               "phases: expected a list, got JSON of type object");
  EXPECT_ERROR(report_from_json(json::array()), "the whole: expected an object, got []");
}

}  // namespace
}  // namespace morph
