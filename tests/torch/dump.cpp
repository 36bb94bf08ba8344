// torch_dump FOLDER: trains a small Llama for 20 steps in float32 with AdamW and writes what
// another program needs to do the same: the first weights, the batches, and our losses
// (compare.py).
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "train/sample_run.h"

namespace bantam::test {

namespace {

Json settings_json(const TrainSettings& s) {
  const Config& m = s.model;
  const OptimiserSettings& o = s.optimiser;
  return {{"layers", m.layers},
          {"width", m.width},
          {"heads", m.heads},
          {"kv_heads", m.kv_heads},
          {"head_dim", m.head_dim},
          {"feed_forward", m.feed_forward},
          {"vocabulary", m.vocabulary},
          {"eps", m.eps},
          {"rope_base", m.rope_base},
          {"rate", o.rate},
          {"beta1", o.beta1},
          {"beta2", o.beta2},
          {"adam_eps", o.eps},
          {"weight_decay", o.decay},
          {"clip", o.clip}};
}

void dump(const Path& folder) {
  TrainSettings s = sample_settings(Arithmetic::f32);
  s.optimiser.muon = false;
  s.optimiser.decay = 0.1;
  s.optimiser.eps = 1e-8;
  s.model.tied = true;
  const TokenStore store = sample_text(200, static_cast<std::int32_t>(s.model.vocabulary));
  SampleRun run(store, s);
  Json out = settings_json(s);
  out["parameters"] = Json::array();
  std::string weights;
  for (const Parameter& p : run.trainer.parameters()) {
    std::vector<std::int64_t> shape;
    for (int i = 0; i < p.shape.rank(); ++i) shape.push_back(p.shape[i]);
    out["parameters"].push_back({{"name", p.name}, {"shape", shape}});
  }
  write_file(folder / "weights.f32", weight_bytes(run.trainer));
  // The same stream of rows that the trainer will take.
  RowStream stream(store, run.trainer.split().train, s.context, s.seed);
  out["steps"] = Json::array();
  for (int step = 0; step < 20; ++step) {
    const std::vector<PackedRow> rows = stream.take(s.rows);
    const Batch b = make_batch(store, rows, s.context, train::weight_sum(store, rows));
    const double factor = s.schedule.at(step, s.steps);
    const double loss = run.trainer.step();
    out["steps"].push_back({{"tokens", b.tokens},
                            {"positions", b.positions},
                            {"documents", b.sequences},
                            {"targets", b.targets},
                            {"weights", b.weights},
                            {"factor", factor},
                            {"loss", loss}});
  }
  write_file(folder / "run.json", to_text(out));
}

}  // namespace

}  // namespace bantam::test

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw bantam::Error("usage: torch_dump FOLDER", bantam::Error::Kind::usage);
    bantam::test::dump(argv[1]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "torch_dump: %s\n", error.what());
    return 1;
  }
}
