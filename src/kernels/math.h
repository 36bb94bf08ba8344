// Transcendental functions that give the same bytes on every processor and with every C library:
// for RoPE tables, schedules and whatever else must not depend on libm. The float ones are the
// kernels' own (elementwise/math-inl.h), one value at a time.
#pragma once

#include "base/rooms.h"

namespace bantam::kernels {

// Within 1 ulp of the exact value (tanh: 1.5). exp is 0 below -86.98, where 2^-125.5 is reached;
// log gives -infinity at 0 and NaN below.
float bantam_exp(float x);
float bantam_log(float x);
float bantam_tanh(float x);

// Within 1 ulp for |x| up to 2^20, NaN beyond (positions end long before).
double bantam_sin(double x);
double bantam_cos(double x);
// Within 1 ulp; exp is 0 below -708 and infinity above 709.78. log takes positive normal numbers,
// and gives NaN for others.
double bantam_exp(double x);
double bantam_log(double x);
// base^exponent for positive normal bases, within 2 ulp; NaN for other bases. Frequencies of RoPE:
// bantam_pow(theta, -2.0 * i / head_dim).
double bantam_pow(double base, double exponent);

}  // namespace bantam::kernels
