// SPDX-License-Identifier: Apache-2.0
// Precompiled for the folders that speak gRPC: its headers cost seconds a translation unit, this
// one less.
#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>
