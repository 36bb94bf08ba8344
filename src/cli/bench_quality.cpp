// `bantam bench --quality`: what arithmetic and the type of the cache cost.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "blocks/format.h"
#include "cli/bench_parts.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "plan/quality.h"

namespace bantam::cli {

namespace {

Json quality_row_json(const QualityRow& row) {
  const TextDivergence& d = row.divergence;
  return {{"arithmetic", arithmetic_name(row.arithmetic)},
          {"cache", format(row.cache).name},
          {"cache_bytes_per_token", row.cache_bytes_per_token},
          {"kl_mean", d.mean()},
          {"kl_p99", d.percentile(0.99)},
          {"same_top", d.same_top()}};
}

void print_quality(std::span<const QualityRow> rows, const std::string& reference,
                   std::int64_t positions) {
  print(fmt::format("Against {} in f32 arithmetic with an f32 cache, {} tokens; nats\n", reference,
                    positions));
  print("  arithmetic  cache  bytes a token   mean KL    99 % under  same likeliest\n");
  for (const QualityRow& row : rows)
    print(fmt::format("  {:<10}  {:<5}  {:>13}   {:<9.3g}  {:<10.3g}  {:.4f}\n",
                      arithmetic_name(row.arithmetic), format(row.cache).name,
                      row.cache_bytes_per_token, row.divergence.mean(),
                      row.divergence.percentile(0.99), row.divergence.same_top()));
}

}  // namespace

void bench_quality(const ModelOptions& model, const std::string& text,
                   const std::optional<std::string>& parent, std::optional<std::int64_t> tokens,
                   bool json) {
  const auto file = std::make_shared<const ModelFile>(Path(model.path));
  const auto reference = parent ? std::make_shared<const ModelFile>(Path(*parent)) : file;
  std::vector<std::int32_t> ids = tokenizer_of(*file)->encode(read_text(text));
  const std::int64_t context = model.context.value_or(file->config().context);
  const std::int64_t most = std::min(tokens.value_or(512), context);
  if (static_cast<std::int64_t>(ids.size()) > most) ids.resize(static_cast<std::size_t>(most));
  if (ids.size() < 2) throw Error("a text of two tokens or more was expected").in(text);
  QualityOptions options;
  options.session = model.session();
  if (model.cache)
    options.caches = {*model.cache};
  else
    for (const auto& [name, type] : cache_types())
      if (file->config().head_dim % format(type).block == 0) options.caches.push_back(type);
  const std::vector<QualityRow> rows =
      measure_quality(file, reference, ids, options, [] { return !interrupted(); });
  check_interrupt();
  const std::int64_t positions = rows.front().divergence.positions();
  if (!json) return print_quality(rows, parent.value_or(model.path), positions);
  Json j = {
      {"model", model.path}, {"reference", parent.value_or(model.path)}, {"positions", positions}};
  j["rows"] = Json::array();
  for (const QualityRow& row : rows) j["rows"].push_back(quality_row_json(row));
  print(to_text(j) + "\n");
}

}  // namespace bantam::cli
