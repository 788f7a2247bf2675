#include "morph/onnx/import.h"

#include <set>
#include <utility>

#include "morph/base/error.h"
#include "morph/onnx/importer.h"
#include "morph/ops/op_def.h"

namespace morph::onnx {

std::vector<std::string> readable_ops() {
  std::set<std::string> names = {"Constant", "If"};
  for (const OpDef* def : all_ops()) names.emplace(def->name);
  for (const auto rules :
       {layer_rules(), movement_rules(), elementwise_rules(), recurrent_rules()}) {
    for (const ImportRow& row : rules) names.emplace(row.op);
  }
  for (const std::string_view op : Folder::ops()) names.emplace(op);
  for (const char* own : {"Input", "LogisticGate", "Opaque", "Parameter"}) names.erase(own);
  return {names.begin(), names.end()};
}

Imported import_model(Model model, const ImportOptions& options) {
  return Importer(std::move(model), options).run();
}

Imported read_onnx(const std::filesystem::path& path, const ImportOptions& options) {
  Model model = read_model(path);
  try {
    return import_model(std::move(model), options);
  } catch (const Error& error) {
    throw Error(cat("'", path.string(), "': ", error.what()));
  }
}

}  // namespace morph::onnx
