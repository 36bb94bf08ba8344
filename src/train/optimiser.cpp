#include "train/optimiser.h"

#include <algorithm>
#include <cmath>

namespace bantam::train {

namespace {

constexpr std::int64_t kBlock = 4096;  // of the sums of squares, see SquareSumArgs

// b^n by squaring: the library's pow may differ by processor.
double power(double b, std::int64_t n) {
  double result = 1;
  for (; n > 0; n >>= 1, b *= b)
    if (n & 1) result *= b;
  return result;
}

double square_sum(Context& ctx, const Tensor& t) {
  const std::int64_t count = t.shape().count(), blocks = (count + kBlock - 1) / kBlock;
  std::vector<float> sums(static_cast<std::size_t>(blocks));
  ctx.rows(ctx.kernels().square_sum, SquareSumArgs{t.f32(), count, sums.data()}, blocks, kBlock);
  double total = 0;
  for (const float s : sums) total += static_cast<double>(s);
  return total;
}

}  // namespace

double Optimiser::gather(Context& ctx, std::vector<Parameter>& parameters) const {
  double squares = 0;
  for (Parameter& p : parameters) {
    for (std::size_t use = 1; use < p.gradients.size(); ++use)
      ctx.rows(ctx.kernels().axpby, AxpbyArgs{p.gradients[use].f32(), p.gradients[0].f32(), 1, 1},
               p.shape.count(), 1);
    squares += square_sum(ctx, p.gradients[0]);
  }
  return std::sqrt(squares);
}

void Optimiser::adam(Context& ctx, Parameter& p, std::int64_t step, double factor,
                     float clip) const {
  const OptimiserSettings& s = settings_;
  const double rate = s.rate * factor;
  const auto as_held = [&](double beta) {
    return s.rounded_betas ? static_cast<double>(static_cast<float>(beta)) : beta;
  };
  AdamArgs args{};
  args.p = p.value.f32();
  args.g = p.gradients[0].f32();
  args.m = p.first.f32();
  args.v = p.second.f32();
  args.clip = clip;
  args.lr = static_cast<float>(rate);
  args.step_size = static_cast<float>(rate / (1 - power(as_held(s.beta1), step + 1)));
  args.v_scale = static_cast<float>(1 / (1 - power(as_held(s.beta2), step + 1)));
  args.beta1 = static_cast<float>(s.beta1);
  args.beta2 = static_cast<float>(s.beta2);
  args.eps = static_cast<float>(s.eps);
  args.decay = p.shape.rank() == 2 || s.decay_vectors ? static_cast<float>(s.decay) : 0.0f;
  ctx.rows(ctx.kernels().adam, args, p.shape.count(), 4);
}

namespace {

// Products of small matrices for one thread, in the run's arithmetic. Every matrix of a model is
// orthogonalised by one worker, so that the pool is busy with many at a time.
struct Products {
  const Exec& exec;
  Arithmetic arithmetic;
  std::byte* pack_memory;  // for one packed factor

  // c [n,m] = a [n,k] b, with b [m,k] (transposed) or [k,m].
  void run(const View& a, const View& b, bool transposed, const View& c) const {
    if (arithmetic == Arithmetic::bf16) {
      PackedB packed(a.columns(), c.columns(), pack_memory);
      packed.pack(exec, b, transposed);
      gemm_bf16(exec, a.rows(), {a.data, a.type, a.stride, true}, packed, nullptr, {c, false});
    } else if (transposed) {
      gemm_dot(exec, a, b, nullptr, {c, false});
    } else {
      gemm_chain(exec, a.rows(), a.columns(), {a.as<float>(), a.stride, 1}, b, {c, false});
    }
  }
};

struct MuonWork {
  std::vector<float> x, xt, a, b, y;
  Bytes pack;
};

void transpose(const float* from, std::int64_t rows, std::int64_t columns, float* to) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
}

// The matrix nearest to orthogonal, by five steps of a quintic Newton-Schulz iteration (Jordan et
// al. 2024, "Muon: an optimizer for hidden layers"; coefficients as in KellerJordan/Muon, muon.py).
// `x` [n,m] with n <= m, changed in place.
void orthogonalise(const Products& products, MuonWork& w, std::int64_t n, std::int64_t m) {
  constexpr float kA = 3.4445f, kB = -4.7750f, kC = 2.0315f;
  const View x(reinterpret_cast<std::byte*>(w.x.data()), Type::f32, {n, m});
  const View y(reinterpret_cast<std::byte*>(w.y.data()), Type::f32, {n, m});
  const View a(reinterpret_cast<std::byte*>(w.a.data()), Type::f32, {n, n});
  const View b(reinterpret_cast<std::byte*>(w.b.data()), Type::f32, {n, n});
  const Kernels& k = products.exec.kernels;
  for (int step = 0; step < 5; ++step) {
    products.run(x, x, true, a);                            // A = X X^T
    products.run(a, a, true, b);                            // A A (A is symmetric)
    k.axpby({w.a.data(), w.b.data(), kB, kC}, 0, n * n);    // B = b A + c A A
    products.run(b, x, false, y);                           // B X
    k.axpby({w.y.data(), w.x.data(), 1.0f, kA}, 0, n * m);  // X = a X + B X
  }
}

}  // namespace

void Optimiser::muon(Context& ctx, std::vector<Parameter*>& matrices, double factor,
                     float clip) const {
  const OptimiserSettings& s = settings_;
  // The largest first: the pool ends together.
  std::stable_sort(matrices.begin(), matrices.end(), [](const Parameter* l, const Parameter* r) {
    return l->shape.count() > r->shape.count();
  });
  std::vector<MuonWork> work(ctx.exec.pool.size());
  std::vector<std::vector<Scratch>> scratch(ctx.exec.pool.size());
  for (auto& own : scratch) own.resize(2);
  ctx.exec.pool.parallel_for(
      static_cast<std::int64_t>(matrices.size()), [&](std::int64_t task, unsigned worker) {
        Parameter& p = *matrices[static_cast<std::size_t>(task)];
        MuonWork& w = work[worker];
        ThreadPool alone(1);
        const Exec exec{alone, ctx.exec.kernels, scratch[worker]};
        const std::int64_t rows = p.shape[0], columns = p.shape[1], count = rows * columns;
        const std::int64_t n = std::min(rows, columns), m = std::max(rows, columns);
        const auto grow = [](std::vector<float>& v, std::int64_t size) {
          if (static_cast<std::int64_t>(v.size()) < size) v.resize(static_cast<std::size_t>(size));
        };
        for (std::vector<float>* v : {&w.x, &w.xt, &w.y}) grow(*v, count);
        grow(w.a, n * n);
        grow(w.b, n * n);
        w.pack = allocate_bytes(
            static_cast<std::size_t>(std::max(PackedB::bytes(m, n), PackedB::bytes(n, m))));
        const Kernels& k = ctx.exec.kernels;
        const auto momentum = static_cast<float>(s.muon_momentum);
        // momentum: M = mu M + g; the update looks ahead once more (Nesterov): g + mu M.
        k.axpby({p.gradients[0].f32(), p.first.f32(), clip, momentum}, 0, count);
        std::copy_n(p.gradients[0].f32(), count, w.x.data());
        k.axpby({p.first.f32(), w.x.data(), momentum, clip}, 0, count);
        // Divided by its norm, so that no singular value is above one.
        std::vector<float> sums(static_cast<std::size_t>((count + kBlock - 1) / kBlock));
        k.square_sum({w.x.data(), count, sums.data()}, 0, static_cast<std::int64_t>(sums.size()));
        double squares = 0;
        for (const float part : sums) squares += static_cast<double>(part);
        const auto scale = static_cast<float>(1 / (std::sqrt(squares) + 1e-7));
        for (std::int64_t i = 0; i < count; ++i) w.x[static_cast<std::size_t>(i)] *= scale;
        if (rows > columns) {
          transpose(w.x.data(), rows, columns, w.xt.data());
          std::swap(w.x, w.xt);
        }
        orthogonalise({exec, ctx.arithmetic, w.pack.get()}, w, n, m);
        if (rows > columns) {
          transpose(w.x.data(), columns, rows, w.xt.data());
          std::swap(w.x, w.xt);
        }
        const double rate = s.muon_rate * factor;
        const double shape_scale =
            std::sqrt(std::max(1.0, static_cast<double>(rows) / static_cast<double>(columns)));
        k.axpby({w.x.data(), p.value.f32(), static_cast<float>(-rate * shape_scale),
                 static_cast<float>(1 - rate * s.decay)},
                0, count);
      });
}

void Optimiser::apply(Context& ctx, std::vector<Parameter>& parameters, std::int64_t step,
                      double factor, double norm) const {
  float clip = 1;
  if (settings_.clip > 0 && norm > settings_.clip) clip = static_cast<float>(settings_.clip / norm);
  std::vector<Parameter*> matrices;
  for (Parameter& p : parameters) {
    if (p.matrix)
      matrices.push_back(&p);
    else
      adam(ctx, p, step, factor, clip);
  }
  if (!matrices.empty()) muon(ctx, matrices, factor, clip);
  for (const Parameter& p : parameters) p.changed();
}

}  // namespace bantam::train
