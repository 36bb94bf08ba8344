#include "shrink/importance.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "files/gguf.h"
#include "files/gguf_writer.h"

namespace bantam::shrink {

std::vector<float> Importance::weights(const std::string& tensor, std::int64_t width) const {
  const auto found = of.find(tensor);
  if (found == of.end() || found->second.rows <= 0 || std::ssize(found->second.squares) != width)
    return {};
  std::vector<float> out;
  for (const double sum : found->second.squares)
    out.push_back(static_cast<float>(sum / found->second.rows));
  return out;
}

// ---- measuring
// ------------------------------------------------------------------------------------

namespace {

class InputSums : public LinearInputs {
 public:
  InputSums(std::span<const WeightSpec> weights, Importance& to) : to_(to) {
    // A tied head comes last and has the embedding's name: what it sees is what matters there.
    for (const WeightSpec& w : weights)
      if (w.matrix != nullptr) names_[w.matrix] = w.gguf;
  }

  void see(Context& ctx, const Tensor& x, const Weight& w) override {
    const auto name = names_.find(&w);
    if (name == names_.end()) return;
    const std::int64_t columns = x.columns(), rows = x.rows();
    Importance::Inputs& inputs = to_.of[name->second];
    inputs.squares.resize(static_cast<std::size_t>(columns));
    inputs.rows += static_cast<double>(rows);
    const float* from = x.f32();
    const std::int64_t stride = x.view().stride;
    // By columns: the order of each sum is that of the rows, whoever adds them.
    ctx.exec.pool.parallel_ranges(columns, 64, [&](std::int64_t begin, std::int64_t end, unsigned) {
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = begin; c < end; ++c) {
          const auto value = static_cast<double>(from[r * stride + c]);
          inputs.squares[static_cast<std::size_t>(c)] += value * value;
        }
    });
  }

 private:
  Importance& to_;
  std::map<const Weight*, std::string> names_;
};

}  // namespace

Importance measure_importance(Session& model, std::span<const std::int32_t> tokens,
                              std::int64_t chunk, std::optional<std::int32_t> begin,
                              const std::function<void(std::int64_t, std::int64_t)>& tick) {
  if (model.arithmetic() != Arithmetic::f32)
    throw Error("importance is measured with the f32 arithmetic");
  Importance out;
  out.chunk_size = chunk;
  const std::vector<WeightSpec> weights = model.weights();
  InputSums sums(weights, out);
  const auto count = (std::ssize(tokens) + chunk - 1) / chunk;
  for (std::int64_t i = 0; i < count; ++i) {
    if (tick) tick(i, count);
    const auto from = static_cast<std::size_t>(i * chunk);
    const std::span<const std::int32_t> part =
        tokens.subspan(from, std::min(static_cast<std::size_t>(chunk), tokens.size() - from));
    std::vector<std::int32_t> ids;
    if (begin) ids.push_back(*begin);
    ids.insert(ids.end(), part.begin(), part.end());
    model.trim(0, 0);
    model.watch_linear_inputs(&sums);
    const Session::Part all{0, ids, Session::Want::all};
    model.evaluate({&all, 1}, [](std::size_t, std::size_t, std::span<const float>) {});
    model.watch_linear_inputs(nullptr);
    ++out.chunks;
  }
  model.trim(0, 0);
  if (out.of.empty()) throw Error("no token was run: the calibration text is empty");
  return out;
}

// ---- files
// ----------------------------------------------------------------------------------------

namespace {

constexpr std::string_view kSums = ".in_sum2", kCounts = ".counts";

Importance read_gguf_importance(const Path& path) {
  const GgufFile file(path);
  const Metadata& meta = file.metadata();
  if (meta.find_string("general.type").value_or("") != "imatrix")
    throw Error("an importance matrix (general.type \"imatrix\") was expected")
        .in(path.string())
        .field("general.type");
  Importance out;
  out.chunks = static_cast<std::int64_t>(meta.find_uint("imatrix.chunk_count").value_or(0));
  out.chunk_size = static_cast<std::int64_t>(meta.find_uint("imatrix.chunk_size").value_or(0));
  for (const TensorInfo& sums : file.tensors()) {
    if (!sums.name.ends_with(kSums)) continue;
    const std::string name = sums.name.substr(0, sums.name.size() - kSums.size());
    const TensorInfo& counts = file.need(name + std::string(kCounts));
    for (const TensorInfo* t : {&sums, &counts})
      if (t->format == nullptr || t->format->type != Type::f32)
        throw Error("F32 was expected, not " + t->type_name).in(path.string()).field(t->name);
    if (counts.shape.count() != 1) continue;  // experts: a matrix each, which no model here has
    std::vector<float> values(static_cast<std::size_t>(sums.shape.count()));
    std::memcpy(values.data(), sums.data.data(), values.size() * sizeof(float));
    float rows = 0;
    std::memcpy(&rows, counts.data.data(), sizeof rows);
    out.of[name] = {{values.begin(), values.end()}, static_cast<double>(rows)};
  }
  return out;
}

// Numbers and names one after another; whoever reads past the end is told where.
class DatReader {
 public:
  DatReader(const std::string& bytes, std::string file) : bytes_(bytes), file_(std::move(file)) {}

  std::span<const char> take(std::int64_t count) {
    if (count < 0 || count > std::ssize(bytes_) - at_)
      throw Error("an importance matrix was expected; this ends in the middle, or is none")
          .in(file_)
          .at(static_cast<std::uint64_t>(at_));
    const std::span<const char> part(bytes_.data() + at_, static_cast<std::size_t>(count));
    at_ += count;
    return part;
  }
  std::int32_t number() {
    std::int32_t value;
    std::memcpy(&value, take(4).data(), sizeof value);
    return value;
  }

 private:
  const std::string& bytes_;
  std::string file_;
  std::int64_t at_ = 0;
};

// Entries of: length of a name, name, calls, count of values, values (means times calls).
Importance read_dat_importance(const std::string& bytes, const Path& path) {
  DatReader in(bytes, path.string());
  Importance out;
  const std::int32_t entries = in.number();
  for (std::int32_t i = 0; i < entries; ++i) {
    const std::span<const char> name = in.take(in.number());
    const std::int32_t calls = in.number(), count = in.number();
    const std::span<const char> data = in.take(std::int64_t{count} * 4);
    std::vector<float> values(static_cast<std::size_t>(count));
    std::memcpy(values.data(), data.data(), data.size());
    out.of[std::string(name.begin(), name.end())] = {{values.begin(), values.end()},
                                                     static_cast<double>(calls)};
    out.chunks = std::max<std::int64_t>(out.chunks, calls);
  }
  return out;
}

}  // namespace

void write_importance(const Importance& importance, const Path& file, const std::string& text) {
  GgufWriter writer(file);
  writer.set("general.type", "imatrix");
  const std::string datasets[] = {text};
  writer.set("imatrix.datasets", std::span<const std::string>(datasets));
  writer.set("imatrix.chunk_count", static_cast<std::uint32_t>(importance.chunks));
  writer.set("imatrix.chunk_size", static_cast<std::uint32_t>(importance.chunk_size));
  for (const auto& [name, inputs] : importance.of) {
    writer.add_tensor(name + std::string(kSums), Type::f32, {std::ssize(inputs.squares)});
    writer.add_tensor(name + std::string(kCounts), Type::f32, {1});
  }
  auto next = importance.of.begin();
  writer.finish([&](std::size_t index, const PutBytes& put) {
    if (index % 2 == 0) {
      const std::vector<float> values(next->second.squares.begin(), next->second.squares.end());
      return put(std::as_bytes(std::span(values)));
    }
    const auto rows = static_cast<float>(next->second.rows);
    ++next;
    put(std::as_bytes(std::span(&rows, 1)));
  });
}

Importance read_importance(const Path& file) {
  const std::string bytes = read_file(file);
  Importance out =
      bytes.starts_with("GGUF") ? read_gguf_importance(file) : read_dat_importance(bytes, file);
  if (out.of.empty()) throw Error("it has the importance of no tensor").in(file.string());
  for (const auto& [name, inputs] : out.of)
    if (!std::isfinite(inputs.rows) ||
        !std::ranges::all_of(inputs.squares, [](double v) { return v >= 0 && v < 1e30; }))
      throw Error("sums of squares were expected; here is a number that is negative or none")
          .in(file.string())
          .field(name);
  return out;
}

}  // namespace bantam::shrink
