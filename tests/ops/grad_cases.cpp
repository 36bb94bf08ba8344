#include "ops/grad_cases.h"

#include <cmath>
#include <numbers>

namespace bantam::test {

namespace {

Array matmul(const Array& x, const Array& w) {
  Array y({x.shape[0], w.shape[0]});
  for (std::int64_t t = 0; t < x.shape[0]; ++t)
    for (std::int64_t n = 0; n < w.shape[0]; ++n)
      for (std::int64_t k = 0; k < x.shape[1]; ++k) y(t, n) += x(t, k) * w(n, k);
  return y;
}

Array rms_norm(const Array& x, const Array& gain, double eps) {
  Array y(x.shape);
  for (std::int64_t t = 0; t < x.shape[0]; ++t) {
    Complex sum = 0;
    for (std::int64_t d = 0; d < x.shape[1]; ++d) sum += x(t, d) * x(t, d);
    const Complex inv = 1.0 / std::sqrt(sum / static_cast<double>(x.shape[1]) + eps);
    for (std::int64_t d = 0; d < x.shape[1]; ++d)
      y(t, d) = x(t, d) * inv * gain.at[static_cast<std::size_t>(d)];
  }
  return y;
}

Array silu_glu(const Array& gate, const Array& up) {
  Array y(gate.shape);
  for (std::size_t i = 0; i < y.at.size(); ++i)
    y.at[i] = gate.at[i] / (1.0 + std::exp(-gate.at[i])) * up.at[i];
  return y;
}

// Pairs (i, i + half) of each head turn by position * frequency.
Array rope(const Array& x, const std::vector<double>& frequencies,
           const std::vector<std::int32_t>& positions, std::int64_t heads) {
  Array y = x;
  const std::int64_t width = x.shape[1] / heads;
  const auto half = static_cast<std::int64_t>(frequencies.size());
  for (std::int64_t t = 0; t < x.shape[0]; ++t)
    for (std::int64_t h = 0; h < heads; ++h)
      for (std::int64_t i = 0; i < half; ++i) {
        const double angle =
            positions[static_cast<std::size_t>(t)] * frequencies[static_cast<std::size_t>(i)];
        const Complex a = x(t, h * width + i), b = x(t, h * width + i + half);
        y(t, h * width + i) = a * std::cos(angle) - b * std::sin(angle);
        y(t, h * width + i + half) = b * std::cos(angle) + a * std::sin(angle);
      }
  return y;
}

Complex capped(Complex s, double cap) {
  if (cap <= 0) return s;
  const Complex e = std::exp(2.0 * s / cap);
  return cap * (e - 1.0) / (e + 1.0);
}

Array attention(const Array& q, const Array& k, const Array& v, const ops::AttentionShape& s,
                const ops::AttentionRows& rows) {
  Array y(q.shape);
  for (std::int64_t t = 0; t < q.shape[0]; ++t)
    for (std::int64_t h = 0; h < s.heads; ++h) {
      const std::int64_t stored = h / (s.heads / s.kv_heads);
      const std::int64_t first = rows.first[static_cast<std::size_t>(t)],
                         count = rows.count[static_cast<std::size_t>(t)];
      Complex sum = 0;
      std::vector<Complex> e(static_cast<std::size_t>(count));
      for (std::int64_t j = 0; j < count; ++j) {
        Complex score = 0;
        for (std::int64_t d = 0; d < s.head_dim; ++d)
          score += q(t, h * s.head_dim + d) * k(first + j, stored * s.head_dim + d);
        sum += e[static_cast<std::size_t>(j)] =
            std::exp(capped(score * static_cast<double>(s.scale), static_cast<double>(s.cap)));
      }
      for (std::int64_t j = 0; j < count; ++j)
        for (std::int64_t d = 0; d < s.head_dim; ++d)
          y(t, h * s.head_dim + d) +=
              e[static_cast<std::size_t>(j)] / sum * v(first + j, stored * s.head_dim + d);
    }
  return y;
}

Array cross_entropy(const Array& x, const Array& w, const std::vector<std::int32_t>& targets,
                    const std::vector<float>& weights, double cap = 0) {
  Array logits = matmul(x, w);
  for (Complex& logit : logits.at) logit = capped(logit, cap);
  Array losses({x.shape[0]});
  for (std::int64_t t = 0; t < x.shape[0]; ++t) {
    const auto i = static_cast<std::size_t>(t);
    if (targets[i] < 0) continue;
    Complex sum = 0;
    for (std::int64_t v = 0; v < w.shape[0]; ++v) sum += std::exp(logits(t, v));
    losses.at[i] = static_cast<double>(weights[i]) * (std::log(sum) - logits(t, targets[i]));
  }
  return losses;
}

// The same with shares of several targets, of those rows that have any.
struct Shares {
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::vector<float>> shares;
};
Array cross_entropy_of_shares(const Array& x, const Array& w, const Shares& soft, const std::vector<std::int32_t>& targets,
                              const std::vector<float>& weights, double cap) {
  Array losses = cross_entropy(x, w, targets, weights, cap);
  for (std::size_t t = 0; t < targets.size(); ++t) {
    if (soft.ids[t].empty()) continue;
    losses.at[t] = 0;
    for (std::size_t i = 0; i < soft.ids[t].size(); ++i) {
      std::vector<std::int32_t> one(targets.size(), -1);
      one[t] = soft.ids[t][i];
      losses.at[t] += static_cast<double>(soft.shares[t][i]) * cross_entropy(x, w, one, weights, cap).at[t];
    }
  }
  return losses;
}

// Each element by itself.
template <class Function>
Array each(const Array& x, Function f) {
  Array y(x.shape);
  for (std::size_t i = 0; i < y.at.size(); ++i) y.at[i] = f(x.at[i]);
  return y;
}

// Rows of heads, each head as a row.
Array as_rows(const Array& x, std::int64_t width) {
  Array y({x.shape.count() / width, width});
  y.at = x.at;
  return y;
}

// Three documents of 5, 1 and 7 rows.
std::shared_ptr<const ops::AttentionRows> three_documents(std::int64_t window) {
  auto rows = std::make_shared<ops::AttentionRows>();
  rows->documents = {0, 5, 6, 13};
  rows->window = window;
  for (std::size_t d = 0; d + 1 < rows->documents.size(); ++d)
    for (std::int32_t t = rows->documents[d]; t < rows->documents[d + 1]; ++t) {
      const std::int32_t seen = t - rows->documents[d] + 1;
      const auto count =
          static_cast<std::int32_t>(window > 0 ? std::min<std::int64_t>(window, seen) : seen);
      rows->count.push_back(count);
      rows->first.push_back(t + 1 - count);
    }
  return rows;
}

GradCase attention_case(const char* name, ops::AttentionShape s, std::int64_t window) {
  const auto rows = three_documents(window);
  const Shape q{13, s.heads * s.head_dim}, kv{13, s.kv_heads * s.head_dim};
  return {name,
          {q, kv, kv},
          [=](Context& c, const std::vector<Tensor>& in) {
            return ops::attention(c, in[0], in[1], in[2], s, rows);
          },
          [=](const std::vector<Array>& in) { return attention(in[0], in[1], in[2], s, *rows); }};
}

const std::vector<std::int32_t> kIds{3, 0, 3, 6, 1, 3};
const std::vector<std::int32_t> kPositions{0, 1, 2, 0, 1, 977};
const std::vector<std::int32_t> kTargets{2, 0, -1, 36, 1, 5};
const std::vector<float> kWeights{1, 0.5f, 1, 0.125f, 0, 2};
const Shares kShares{{{7, 2, 30}, {}, {}, {5}, {1, 2}, {36, 0}}, {{0.5f, 0.25f, 0.25f}, {}, {}, {1}, {0.5f, 0.5f}, {0.125f, 0.875f}}};
const std::vector<ops::SoftTarget> kSoft = [] {
  std::vector<ops::SoftTarget> out;
  for (std::size_t i = 0; i < kShares.ids.size(); ++i) out.push_back({kShares.ids[i], kShares.shares[i]});
  return out;
}();

}  // namespace

std::vector<GradCase> grad_cases() {
  const auto frequencies =
      std::make_shared<const std::vector<double>>(std::vector<double>{1, 0.3, 0.01});
  return {
      {"embed",
       {{7, 19}},
       [](Context& c, const std::vector<Tensor>& in) { return ops::embed(c, in[0], kIds); },
       [](const std::vector<Array>& in) {
         Array y({6, 19});
         for (std::int64_t t = 0; t < 6; ++t)
           for (std::int64_t d = 0; d < 19; ++d)
             y(t, d) = in[0](kIds[static_cast<std::size_t>(t)], d);
         return y;
       }},
      {"add",
       {{5, 33}, {5, 33}},
       [](Context& c, const std::vector<Tensor>& in) { return ops::add(c, in[0], in[1]); },
       [](const std::vector<Array>& in) {
         Array y(in[0].shape);
         for (std::size_t i = 0; i < y.at.size(); ++i) y.at[i] = in[0].at[i] + in[1].at[i];
         return y;
       }},
      {"add to itself",
       {{5, 33}},
       [](Context& c, const std::vector<Tensor>& in) { return ops::add(c, in[0], in[0]); },
       [](const std::vector<Array>& in) {
         Array y(in[0].shape);
         for (std::size_t i = 0; i < y.at.size(); ++i) y.at[i] = 2.0 * in[0].at[i];
         return y;
       }},
      {"matmul",
       {{9, 37}, {21, 37}},
       [](Context& c, const std::vector<Tensor>& in) { return ops::matmul(c, in[0], in[1]); },
       [](const std::vector<Array>& in) { return matmul(in[0], in[1]); }},
      {"matmul with bias",
       {{9, 37}, {21, 37}, {21}},
       [](Context& c, const std::vector<Tensor>& in) {
         return ops::matmul(c, in[0], in[1], in[2]);
       },
       [](const std::vector<Array>& in) {
         Array y = matmul(in[0], in[1]);
         for (std::int64_t t = 0; t < 9; ++t)
           for (std::int64_t n = 0; n < 21; ++n) y(t, n) += in[2].at[static_cast<std::size_t>(n)];
         return y;
       }},
      {"low_rank",
       {{9, 37}, {21, 37}, {21}, {4, 37}, {21, 4}},
       [](Context& c, const std::vector<Tensor>& in) {
         return ops::low_rank(c, in[0], in[1], in[2], in[3], in[4], 0.75f);
       },
       [](const std::vector<Array>& in) {
         Array y = matmul(in[0], in[1]);
         const Array more = matmul(matmul(in[0], in[3]), in[4]);
         for (std::int64_t t = 0; t < 9; ++t)
           for (std::int64_t n = 0; n < 21; ++n)
             y(t, n) += in[2].at[static_cast<std::size_t>(n)] + 0.75 * more(t, n);
         return y;
       },
       false,
       [](const std::vector<Array>& in) {  // x W^T + bias; x A^T, and 0.75 of it
         Array size = matmul(in[0], in[1]);
         const Array u = matmul(in[0], in[3]);
         for (std::int64_t t = 0; t < 9; ++t)
           for (std::int64_t n = 0; n < 21; ++n) {
             size(t, n) = std::abs(size(t, n) + in[2].at[static_cast<std::size_t>(n)]);
             for (std::int64_t r = 0; r < 4; ++r)
               size(t, n) += 2 * 0.75 * std::abs(u(t, r) * in[4](n, r));
           }
         return size;
       }},
      {"scale_columns",
       {{5, 19}, {19}, {19}},
       [](Context& c, const std::vector<Tensor>& in) {
         Tensor inverse = Tensor::zeros({19});
         for (int i = 0; i < 19; ++i) inverse.f32()[i] = 1 + 0.125f * static_cast<float>(i % 5);
         return ops::scale_columns(c, in[0], in[1], inverse, in[2]);
       },
       [](const std::vector<Array>& in) {
         Array y(in[0].shape);
         for (std::int64_t t = 0; t < 5; ++t)
           for (std::int64_t d = 0; d < 19; ++d)
             y(t, d) = in[0](t, d) * in[1].at[static_cast<std::size_t>(d)] *
                           (1 + 0.125 * static_cast<double>(d % 5)) +
                       in[2].at[static_cast<std::size_t>(d)];
         return y;
       }},
      {"rms_norm",
       {{3, 17}, {17}},
       [](Context& c, const std::vector<Tensor>& in) {
         return ops::rms_norm(c, in[0], in[1], 1e-3f);
       },
       [](const std::vector<Array>& in) {
         return rms_norm(in[0], in[1], static_cast<double>(1e-3f));
       }},
      {"rms_norm of heads",
       {{3, 20}, {5}},
       [](Context& c, const std::vector<Tensor>& in) {
         return ops::rms_norm(c, in[0], in[1], 1e-3f);
       },
       [](const std::vector<Array>& in) {
         Array y({3, 20});
         y.at = rms_norm(as_rows(in[0], 5), in[1], static_cast<double>(1e-3f)).at;
         return y;
       }},
      {"scale",
       {{4, 29}},
       [](Context& c, const std::vector<Tensor>& in) { return ops::scale(c, in[0], 0.35f); },
       [](const std::vector<Array>& in) {
         return each(in[0], [](Complex x) { return x * static_cast<double>(0.35f); });
       }},
      {"softcap",
       {{4, 29}},
       [](Context& c, const std::vector<Tensor>& in) { return ops::softcap(c, in[0], 0.75f); },
       [](const std::vector<Array>& in) {
         return each(in[0], [](Complex x) { return capped(x, 0.75); });
       }},
      {"glu (gelu_tanh)",
       {{4, 29}, {4, 29}},
       [](Context& c, const std::vector<Tensor>& in) {
         return ops::glu(c, Activation::gelu_tanh, in[0], in[1]);
       },
       [](const std::vector<Array>& in) {
         Array y = each(in[0], [](Complex x) {
           return 0.5 * x *
                  (1.0 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
         });
         for (std::size_t i = 0; i < y.at.size(); ++i) y.at[i] *= in[1].at[i];
         return y;
       }},
      {"glu (silu)",
       {{4, 29}, {4, 29}},
       [](Context& c, const std::vector<Tensor>& in) {
         return ops::glu(c, Activation::silu, in[0], in[1]);
       },
       [](const std::vector<Array>& in) { return silu_glu(in[0], in[1]); }},
      {"rows",
       {{7, 19}},
       [](Context& c, const std::vector<Tensor>& in) { return ops::rows(c, in[0], kIds); },
       [](const std::vector<Array>& in) {
         Array y({6, 19});
         for (std::int64_t t = 0; t < 6; ++t)
           for (std::int64_t d = 0; d < 19; ++d)
             y(t, d) = in[0](kIds[static_cast<std::size_t>(t)], d);
         return y;
       }},
      {"rope",
       {{6, 24}},
       [=](Context& c, const std::vector<Tensor>& in) {
         return ops::rope(c, in[0], {frequencies, 1}, kPositions, 4);
       },
       [=](const std::vector<Array>& in) { return rope(in[0], *frequencies, kPositions, 4); }},
      {"rope on a part",
       {{6, 24}},
       [=](Context& c, const std::vector<Tensor>& in) {
         return ops::rope(c, in[0], {frequencies, 1}, kPositions, 3);
       },
       [=](const std::vector<Array>& in) { return rope(in[0], *frequencies, kPositions, 3); }},
      attention_case("attention", {4, 4, 8, 0.35f, 0}, 0),
      attention_case("attention, grouped heads", {6, 2, 16, 0.25f, 0}, 0),
      attention_case("attention, window", {4, 2, 20, 0.25f, 0}, 3),
      attention_case("attention, capped", {2, 1, 16, 0.5f, 1.5f}, 0),
      {"cross_entropy",
       {{6, 23}, {37, 23}},
       [](Context& c, const std::vector<Tensor>& in) {
         return ops::cross_entropy(c, in[0], in[1], kTargets, kWeights);
       },
       [](const std::vector<Array>& in) { return cross_entropy(in[0], in[1], kTargets, kWeights); },
       true},
      {"cross_entropy, capped",
       {{6, 23}, {37, 23}},
       [](Context& c, const std::vector<Tensor>& in) {
         return ops::cross_entropy(c, in[0], in[1], kTargets, kWeights, 1.25f);
       },
       [](const std::vector<Array>& in) {
         return cross_entropy(in[0], in[1], kTargets, kWeights, 1.25);
       },
       true},
      {"cross_entropy, shares",
       {{6, 23}, {37, 23}},
       [](Context& c, const std::vector<Tensor>& in) {
         return ops::cross_entropy(c, in[0], in[1], kTargets, kWeights, 0, {}, kSoft);
       },
       [](const std::vector<Array>& in) {
         return cross_entropy_of_shares(in[0], in[1], kShares, kTargets, kWeights, 0);
       },
       true},
      {"cross_entropy, shares, capped",
       {{6, 23}, {37, 23}},
       [](Context& c, const std::vector<Tensor>& in) {
         return ops::cross_entropy(c, in[0], in[1], kTargets, kWeights, 1.25f, {}, kSoft);
       },
       [](const std::vector<Array>& in) {
         return cross_entropy_of_shares(in[0], in[1], kShares, kTargets, kWeights, 1.25);
       },
       true},
  };
}

}  // namespace bantam::test
