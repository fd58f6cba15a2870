// SPDX-License-Identifier: Apache-2.0
// The source that the precompiled header is made with; it defines nothing.
#include "proto/grpc_pch.h"
