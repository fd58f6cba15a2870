// SPDX-License-Identifier: Apache-2.0
// The inverse of the normal distribution function, in arithmetic that rounds alike on every
// machine.
#pragma once

namespace gradus::base {

// x such that a standard normal variable is below it with probability p; relative error about
// 1e-15. REQUIRES: 0 < p < 1. Uses only + - * / and square roots (IEEE 754 fixes their results):
// the C library's logarithm differs in last bits from machine to machine.
//   Source   Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37, 1988.
double NormalQuantile(double p);

}  // namespace gradus::base
