#include "tensor/weight.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "blocks/format.h"
#include "tensor/context.h"
#include "tensor/held_form.h"

namespace bantam::tensor {

// What is made of the rows. A form is valid while its generation is that of the rows.
struct Weight::Forms {
  template <class T>
  struct Form {
    T value;
    std::uint64_t generation = 0;
  };
  std::mutex mutex;  // two runs may want the same form at the same time
  std::uint64_t generation = 1;
  Form<PackedBlocks> blocks;
  Form<PackedB> panels[2];  // for x w^T, for dy w
  std::shared_ptr<std::byte> panels_memory;  // where prepare() put those for x w^T
  Form<Tensor> wide;        // float32 rows
  Form<Tensor> across;      // float32, a row for each input
  Form<Tensor> thin;        // float32, panels of those
  MemoryBlocks memory;

  const Tensor& turned(const Tensor& rows) {
    const std::lock_guard lock(mutex);
    if (across.generation == generation) return across.value;
    const std::int64_t n = rows.dim(0), k = rows.dim(1), stride = rows.view().stride;
    if (!across.value) across.value = Tensor::zeros({k, n});
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < k; ++j) across.value.f32()[j * n + i] = rows.f32()[i * stride + j];
    across.generation = generation;
    return across.value;
  }
  const float* panels_of(const Tensor& rows, MemoryBlocks* side_by_side = nullptr) {
    const std::lock_guard lock(mutex);
    if (thin.generation == generation) return thin.value.f32();
    const std::int64_t count = thin_size(rows.dim(0), rows.dim(1));
    if (!thin.value && side_by_side != nullptr) {
      const auto bytes = side_by_side->take(static_cast<std::size_t>(count) * sizeof(float));
      thin.value = Tensor(View(bytes.get(), Type::f32, {count}), bytes);
    } else if (!thin.value) {
      thin.value = Tensor::zeros({count});
    }
    pack_thin(rows.view(), thin.value.f32());
    thin.generation = generation;
    return thin.value.f32();
  }
};

namespace {

bool in_blocks(Type type) { return format(type).block > 1; }
// Whether activations are rounded to whole numbers.
bool in_integers(Arithmetic a) { return a == Arithmetic::int8 || a == Arithmetic::faithful; }

Planes planes_of(Arithmetic a) { return a == Arithmetic::int8 ? Planes::one : Planes::two; }

// Weights of so few inputs that add to what is there (the wide half of an adapter) go on from it as
// chains: a fold of 16 lanes would cost more than the product.
constexpr std::int64_t kNarrow = 32;

PackSource by_rows(const Tensor& t) { return {t.view().data, t.type(), t.view().stride, true}; }

}  // namespace

Weight::Weight(Tensor rows) : rows_(std::move(rows)), forms_(std::make_shared<Forms>()) {}

const Tensor& Weight::rows() const {
  if (!rows_) throw Error("this weight was packed for its products; its rows are not kept");
  return rows_;
}

void Weight::changed() const {
  if (!forms_) return;
  const std::lock_guard lock(forms_->mutex);
  ++forms_->generation;
}

// The numbers of the weight, from whatever form stands for them; `rounded`: to bf16 will do.
RowReader Weight::reader(const Kernels& kernels, bool rounded) const {
  if (rows_) return reader_of(rows_.view());
  if (forms_->blocks.value) return forms_->blocks.value.reader(kernels);
  if (forms_->wide.value) return reader_of(forms_->wide.value.view());
  if (rounded) return forms_->panels[0].value.reader();
  throw Error("this weight was rounded to bf16 when it was packed; its own numbers are gone");
}

const PackedBlocks& Weight::blocks(const Exec& exec) const {
  const std::lock_guard lock(forms_->mutex);
  auto& form = forms_->blocks;
  if (form.generation != forms_->generation) {
    form.value = PackedBlocks(exec, rows().view(), forms_->memory);
    form.generation = forms_->generation;
  }
  return form.value;
}

const PackedB& Weight::panels(const Exec& exec, bool transposed) const {
  const std::lock_guard lock(forms_->mutex);
  auto& form = forms_->panels[transposed ? 1 : 0];
  if (form.generation == forms_->generation) return form.value;
  const std::int64_t k = dim(transposed ? 0 : 1), n = dim(transposed ? 1 : 0);
  if (exec.kernels.empty) {  // planning: only the shape is looked at
    form.value = PackedB(k, n, nullptr);
    return form.value;
  }
  if (!form.value) form.value = PackedB(k, n);
  if (rows_)
    form.value.pack(exec, rows_.view(), !transposed);
  else
    form.value.pack(exec, reader(exec.kernels, true), !transposed);
  form.generation = forms_->generation;
  return form.value;
}

const Tensor& Weight::wide(const Exec& exec) const {
  const std::lock_guard lock(forms_->mutex);
  auto& form = forms_->wide;
  if (form.generation == forms_->generation) return form.value;
  const RowReader numbers = reader(exec.kernels, false);
  if (!form.value) form.value = Tensor::zeros(shape());
  numbers.read(0, dim(0), 0, dim(1), form.value.f32());
  form.generation = forms_->generation;
  return form.value;
}

bool Weight::narrow() const { return type() == Type::f32 && dim(1) <= kNarrow; }

void Weight::multiply(Context& ctx, const Tensor& x, const float* bias, Into y) const {
  if (ctx.arithmetic == Arithmetic::bf16) {
    gemm_bf16(ctx.exec, x.rows(), by_rows(x), panels(ctx.exec, false), bias, y);
  } else if (narrow() && y.add && !bias) {
    if (ctx.kernels().empty) return;
    const ChainFactor factor{x.f32(), x.view().stride, 1};
    gemm_chain(ctx.exec, x.rows(), dim(1), factor, forms_->turned(rows()).view(), y);
  } else if (!in_blocks(type())) {
    gemm_dot(ctx.exec, x.view(), rows().view(), bias, y);
  } else if (in_integers(ctx.arithmetic)) {
    gemm_blocks(ctx.exec, x.view(), blocks(ctx.exec), planes_of(ctx.arithmetic), bias, y);
  } else {
    gemm_dot(ctx.exec, x.view(), wide(ctx.exec).view(), bias, y);
  }
}

void Weight::multiply_each(Context& ctx, const Tensor& x, std::span<const Product> products) {
  const bool as_one = in_integers(ctx.arithmetic) &&
                      std::all_of(products.begin(), products.end(),
                                  [](const Product& p) { return in_blocks(p.w.type()); });
  if (!as_one) {
    for (const Product& p : products) p.w.multiply(ctx, x, p.bias, p.y);
    return;
  }
  std::vector<BlockProduct> parts;
  parts.reserve(products.size());
  for (const Product& p : products) parts.push_back({p.w.blocks(ctx.exec), p.bias, p.y});
  gemm_blocks(ctx.exec, x.view(), parts, planes_of(ctx.arithmetic));
}

void Weight::add_low_rank(Context& ctx, std::span<const LowRankPart> parts) {
  std::vector<LowRankProduct> together;
  for (const LowRankPart& p : parts) {
    const bool plain = p.a.type() == Type::f32 && p.b.type() == Type::f32;
    if (ctx.arithmetic != Arithmetic::bf16 && plain) {
      if (ctx.kernels().empty) continue;
      const float* panels = p.b.narrow() ? p.b.forms_->panels_of(p.b.rows()) : nullptr;
      together.push_back(
          {p.x.view(), p.a.rows().view(), p.b.rows().view(), panels, p.scale, p.y.view()});
      continue;
    }
    const Arena::Mark mark = ctx.arena.mark();
    const Tensor u = ctx.make({p.x.rows(), p.a.dim(0)});
    p.a.multiply(ctx, p.x, nullptr, {u.view(), false});
    ctx.rows(ctx.kernels().scale, ScaleArgs{u.view(), p.scale, {u.view(), false}}, u.rows(),
             u.columns());
    p.b.multiply(ctx, u, nullptr, {p.y.view(), true});
    ctx.arena.release(mark);
  }
  gemm_low_rank(ctx.exec, together);
}

void Weight::prepare_low_rank(MemoryBlocks& memory) const {
  if (narrow()) forms_->panels_of(rows(), &memory);
}

void Weight::multiply_transposed(Context& ctx, const Tensor& dy, Into dx) const {
  if (ctx.arithmetic == Arithmetic::bf16) {
    gemm_bf16(ctx.exec, dy.rows(), by_rows(dy), panels(ctx.exec, true), nullptr, dx);
    return;
  }
  const ChainFactor factor{dy.f32(), dy.view().stride, 1};
  if (rows_ && type() == Type::f32)
    return gemm_chain(ctx.exec, dy.rows(), dy.columns(), factor, rows_.view(), dx);
  if (forms_->wide.generation == forms_->generation)
    return gemm_chain(ctx.exec, dy.rows(), dy.columns(), factor, forms_->wide.value.view(), dx);
  gemm_chain(ctx.exec, dy.rows(), dy.columns(), factor, reader(ctx.exec.kernels, false), dx);
}

void Weight::prepare(const Exec& exec, Arithmetic arithmetic, MemoryBlocks& memory,
                     const PartPacked& done) {
  const HeldForm held = held_form(type(), arithmetic);
  const auto take = [&] {
    return memory.take(static_cast<std::size_t>(held_bytes(shape(), type(), arithmetic)));
  };
  Forms& forms = *forms_;
  switch (held) {
    case HeldForm::rows:
      return;
    case HeldForm::strips:
      forms.blocks.value = PackedBlocks(exec, rows().view(), memory, done);
      forms.blocks.generation = forms.generation;
      break;
    case HeldForm::panels:
      forms.panels_memory = take();
      forms.panels[0].value = PackedB(dim(1), dim(0), forms.panels_memory.get());
      forms.panels[0].value.pack(exec, rows().view(), true, done);
      forms.panels[0].generation = forms.generation;
      break;
    case HeldForm::wide: {
      std::shared_ptr<std::byte> bytes = take();
      const View view(bytes.get(), Type::f32, shape());
      forms.wide.value = Tensor(view, std::move(bytes));
      wide(exec);
      break;
    }
  }
  rows_ = Tensor(View(nullptr, type(), shape()), nullptr).with_slot(rows_.slot());
}

}  // namespace bantam::tensor
