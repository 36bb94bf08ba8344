// Whole runs beside a reference in double precision: every loss, and the final numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "adapt/run.h"
#include "blocks/format.h"
#include "files/safetensors.h"
#include "support/shared.h"
#include "support/tiny_model.h"

namespace bantam::adapt {
namespace {

struct Golden {
  const char* name;
  Method method;
  const char* start;  // an adapter
};
constexpr Golden kRuns[] = {{"full", Method::full, nullptr},
                            {"full-tied", Method::full, nullptr},
                            {"lora", Method::lora, "adapter-init-lora"},
                            {"dora", Method::dora, "adapter-init-dora"},
                            {"dpo", Method::lora, "adapter-init-lora"},
                            {"dpo-full", Method::full, nullptr},
                            {"orpo", Method::lora, "adapter-init-lora"},
                            {"kto", Method::lora, "adapter-init-lora"}};

class GoldenRun : public testing::TestWithParam<Golden> {};

// The batches of the file, a record a line.
void write_records(const Json& golden, const Path& to) {
  std::ofstream out(to);
  for (const Json& batch : golden["batches"])
    for (const Json& row : batch) {
      if (row.is_array())  // a micro-batch of sequences
        for (const Json& sequence : row) out << sequence.dump() << "\n";
      else if (row.contains("completion"))
        out << Json{{"prompt_ids", row["prompt"]},
                    {"completion_ids", row["completion"]},
                    {"label", row["label"]}}
                   .dump()
            << "\n";
      else
        out << Json{{"prompt_ids", row["prompt"]},
                    {"chosen_ids", row["chosen"]},
                    {"rejected_ids", row["rejected"]}}
                   .dump()
            << "\n";
    }
}

std::vector<float> numbers(const TensorInfo& info) {
  std::vector<float> out(static_cast<std::size_t>(info.shape.count()));
  info.format->decode(info.data.data(), out.data(), info.shape.count());
  return out;
}

// The largest difference of an element, and the share within 1e-5.
std::pair<double, double> difference(const Path& a, const Path& b) {
  const SafetensorsFile ours(a), theirs(b);
  double worst = 0;
  std::int64_t near = 0, all = 0;
  for (const TensorInfo& t : theirs.tensors()) {
    const TensorInfo* mine = ours.find(t.name);
    EXPECT_NE(mine, nullptr) << t.name;
    if (!mine || mine->shape != t.shape) return {1e9, 0};
    const std::vector<float> x = numbers(*mine), y = numbers(t);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double d = std::fabs(static_cast<double>(x[i]) - static_cast<double>(y[i]));
      worst = std::max(worst, d);
      near += d <= 1e-5;
      ++all;
    }
  }
  return {worst, static_cast<double>(near) / static_cast<double>(all)};
}

TEST_P(GoldenRun, LossesAndFinalNumbersAreTheReferences) {
  BANTAM_NEEDS_SHARED("adapt/golden");
  const Golden& run = GetParam();
  const auto folder = test::shared_folder() / "adapt" / "golden";
  std::ifstream file(folder / (std::string(run.name) + ".json"));
  const Json golden = Json::parse(file);
  test::ScratchFolder scratch;
  write_records(golden, scratch / "data.jsonl");
  TuneRequest request;
  request.model = folder.parent_path() / golden["base_model"].get<std::string>();
  request.data = scratch / "data.jsonl";
  request.out = scratch / "out";
  request.method = run.method;
  request.objective = objective_by_name(golden["loss"].get<std::string>());
  if (run.start) request.start = folder / run.start;
  const Json& o = golden["optimizer"];
  request.rate = o["lr"].get<double>();
  request.decay = o["weight_decay"].get<double>();
  request.clip = 0;
  if (golden["beta"].is_number()) request.beta = golden["beta"].get<double>();
  request.curve = RateCurve::constant;
  request.order = ExampleOrder::given;
  request.batch = 4;
  request.steps = 20;
  request.arithmetic = Arithmetic::f32;
  TuneOptions options;
  options.threads = 2;
  const TuneResult result = run_tuning(request, options);
  const auto losses = golden["losses"].get<std::vector<double>>();
  ASSERT_EQ(result.losses.size(), losses.size());
  double worst = 0;
  for (std::size_t i = 0; i < losses.size(); ++i)
    worst = std::max(worst, std::fabs(result.losses[i] - losses[i]));
  EXPECT_LE(worst, 2e-5);
  const char* tensors = run.method == Method::full ? "model.safetensors" : "adapter_model.safetensors";
  const auto [most, near] = difference(
      scratch / (std::string("out/") + tensors),
      folder / golden["final"].get<std::string>() / tensors);
  EXPECT_LE(most, 5e-5);
  EXPECT_GE(near, 0.999);
  std::cout << run.name << ": losses within " << worst << ", numbers within " << most << ", "
            << 100 * near << " % within 1e-5\n";
}

INSTANTIATE_TEST_SUITE_P(Adapt, GoldenRun, testing::ValuesIn(kRuns), [](const auto& run) {
  std::string name = run.param.name;
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace bantam::adapt
