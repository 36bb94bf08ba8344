#include "models/looked_up.h"

#include <algorithm>
#include <cstring>

#include "base/lazy_memory.h"
#include "blocks/format.h"
#include "models/stored.h"
#include "tensor/held_form.h"

namespace bantam::models {

namespace {

constexpr std::int64_t kPage = 4096;
constexpr std::int64_t kKept = 512;    // rows that stay from pass to pass
constexpr std::int64_t kAtOnce = 32;  // rows that are read before the file's pages are given back

bool is_table(const WeightSpec& w) {
  return w.role == Role::embedding || w.role == Role::positions;
}

std::int64_t most_rows(std::int64_t room, std::int64_t chunk) {
  return std::min(room, std::max(kKept, chunk));
}

}  // namespace

bool only_looked_up(const WeightSpec& weight, std::span<const WeightSpec> weights,
                    const StoredType& type, Arithmetic arithmetic) {
  if (!is_table(weight)) return false;
  return std::ranges::none_of(weights, [&](const WeightSpec& other) {
    return other.matrix != nullptr && other.gguf == weight.gguf &&
           held_form(type(other), arithmetic) == HeldForm::rows;
  });
}

// A row is in one page, or across the border of two, or in several.
std::int64_t looked_up_bytes(const Shape& shape, Type type, std::int64_t room, std::int64_t chunk) {
  const std::int64_t row = format(type).bytes(shape.back());
  const std::int64_t each = kPage + row;  // what rows that lie anywhere touch on average
  return std::min(shape.rows() * row, most_rows(room, chunk) * each);
}

// Address space for the whole table, memory for the rows that were wanted.
struct LookedUp::Table {
  const TensorInfo* info;
  const std::byte* from;  // in the file
  std::shared_ptr<LazyMemory> rows;
  std::int64_t row_bytes;
  bool by_position;
  std::vector<bool> here;
  std::int64_t count = 0, most;

  void forget() {
    rows->give_back(0, rows->size());
    std::fill(here.begin(), here.end(), false);
    count = 0;
  }
  // Whether the row had to be read.
  bool fetch(std::int32_t index) {
    const auto i = static_cast<std::size_t>(index);
    if (index < 0 || i >= here.size() || here[i]) return false;
    std::memcpy(rows->data() + index * row_bytes, from + index * row_bytes,
                static_cast<std::size_t>(row_bytes));
    here[i] = true;
    ++count;
    return true;
  }
};

LookedUp::LookedUp(std::shared_ptr<const ModelFile> file, std::span<const WeightSpec> weights,
                   Arithmetic arithmetic, std::int64_t room, std::int64_t chunk)
    : file_(std::move(file)) {
  if (!file_) return;
  const StoredType type = [&](const WeightSpec& w) { return stored_type(*file_, w); };
  for (const WeightSpec& weight : weights) {
    if (!only_looked_up(weight, weights, type, arithmetic)) continue;
    const TensorInfo* info = file_->locate(weight);
    const ConstView view = std::as_const(*weight.tensor).view();
    const std::byte* end = info->data.data() + info->data.size();
    if (view.data < info->data.data() || view.data >= end) continue;  // a copy already
    const std::int64_t row_bytes = format(view.type).bytes(weight.shape.back());
    auto rows = std::make_shared<LazyMemory>(
        static_cast<std::size_t>(byte_size(view.type, weight.shape)));
    auto table = std::make_unique<Table>(Table{
        info, view.data, rows, row_bytes, weight.role == Role::positions,
        std::vector<bool>(static_cast<std::size_t>(weight.shape.rows())), 0,
        most_rows(room, chunk)});
    *weight.tensor = Tensor(View(rows->data(), view.type, weight.shape), rows);
    tables_.push_back(std::move(table));
  }
}

LookedUp::~LookedUp() = default;

void LookedUp::fetch(const Batch& batch) {
  for (const auto& table : tables_) {
    if (table->count + batch.rows() > table->most) table->forget();
    std::int64_t read = 0;
    const auto give_back = [&] { file_->tensors().release(*table->info); };
    for (const std::int32_t index : table->by_position ? batch.positions : batch.tokens)
      if (table->fetch(index) && ++read % kAtOnce == 0) give_back();
    if (read % kAtOnce != 0) give_back();
  }
}

}  // namespace bantam::models
