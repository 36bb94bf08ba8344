#include "plan/quality.h"

#include <algorithm>

#include "base/error.h"
#include "blocks/format.h"

namespace bantam::plan {

namespace {

constexpr std::size_t kMostReference = std::size_t{600} << 20;  // bytes

std::int64_t cache_bytes(const Session& session, Type type) {
  CacheShape shape = session.model().cache_shape(1, 1, type);
  return shape.bytes();
}

}  // namespace

std::vector<QualityRow> measure_quality(std::shared_ptr<const ModelFile> file,
                                        std::shared_ptr<const ModelFile> parent,
                                        std::span<const std::int32_t> tokens,
                                        const QualityOptions& options, const Session::GoOn& go_on) {
  const auto width = static_cast<std::size_t>(file->config().vocabulary);
  if (parent->config().vocabulary != file->config().vocabulary)
    throw Error("it has " + std::to_string(parent->config().vocabulary) +
                " tokens, the model has " + std::to_string(file->config().vocabulary) +
                "; the model that it was made from was expected")
        .in(parent->tensors().path());
  const std::size_t count =
      std::min(tokens.size(), std::max<std::size_t>(kMostReference / (4 * width), 1));
  SessionOptions session_options = options.session;
  session_options.positions = static_cast<std::int64_t>(count);
  const Session::Part part{0, tokens.first(count), Session::Want::all};
  std::vector<float> reference;
  reference.reserve(count * width);
  {
    SessionOptions exact = session_options;
    exact.arithmetic = Arithmetic::f32;
    exact.cache = Type::f32;
    Session session(parent, exact);
    session.evaluate(
        {&part, 1},
        [&](std::size_t, std::size_t, std::span<const float> logits) {
          reference.insert(reference.end(), logits.begin(), logits.end());
        },
        go_on);
  }
  std::vector<QualityRow> rows;
  for (const Type cache : options.caches) {
    if (go_on && !go_on()) break;
    session_options.cache = cache;
    Session session(file, session_options);
    QualityRow row{session.arithmetic(), cache, cache_bytes(session, cache), {}};
    session.evaluate(
        {&part, 1},
        [&](std::size_t, std::size_t index, std::span<const float> logits) {
          row.divergence.add(std::span(reference).subspan(index * width, width), logits);
        },
        go_on);
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace bantam::plan
