#include "adapt/float_rows.h"

#include "blocks/format.h"

namespace bantam::adapt {

Tensor as_floats(const Tensor& rows) {
  Tensor out = Tensor::zeros(rows.shape());
  format(rows.type()).decode(rows.view().data, out.f32(), rows.shape().count());
  return out;
}

double squares_between(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.shape().count(); ++i) {
    const double d = static_cast<double>(a.f32()[i]) - static_cast<double>(b.f32()[i]);
    sum += d * d;
  }
  return sum;
}

}  // namespace bantam::adapt
