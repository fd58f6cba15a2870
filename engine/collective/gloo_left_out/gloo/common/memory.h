// SPDX-License-Identifier: Apache-2.0
// Debian's libgloo-dev leaves this header out, though its tcp/pair.h includes it. What is here says
// how large these types are, so that a class can be derived from a pair; their functions are the
// library's, and nothing of ours calls them.
#pragma once

#include <memory>

namespace gloo {

// The use of a buffer that may go away, for a moment during which it may not.
template <typename T>
class NonOwningPtr final {
 private:
  std::shared_ptr<T> ptr_;
};

template <typename T>
class ShareableNonOwningPtr;

// What a pair remembers of a buffer.
template <typename T>
class WeakNonOwningPtr final {
 public:
  WeakNonOwningPtr() = default;
  explicit WeakNonOwningPtr(const ShareableNonOwningPtr<T>& whole);

 private:
  std::weak_ptr<T> ptr_;
};

// A buffer's own, behind the others.
template <typename T>
class ShareableNonOwningPtr final {
 public:
  explicit ShareableNonOwningPtr(T* self);
  ShareableNonOwningPtr(const ShareableNonOwningPtr&) = delete;
  ShareableNonOwningPtr& operator=(const ShareableNonOwningPtr&) = delete;
  ~ShareableNonOwningPtr();

 private:
  std::shared_ptr<T> ptr_;
};

}  // namespace gloo
