// SPDX-License-Identifier: Apache-2.0
// Which waiting job starts next.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace gradus::jobs {

// What a waiting job asks for.
struct Demand {
  std::string id;
  int32_t priority = 0;
  int64_t number = 0;  // order of submission
  // Of each worker.
  int32_t cores = 0;
  int64_t memory = 0;
  int32_t min_workers = 1;  // without so many it does not start
  int32_t max_workers = 1;
};

// What is free.
struct Supply {
  int32_t cores = 0;
  int64_t memory = 0;
};

// Whether so many of its workers fit.
bool Fits(const Demand& demand, int32_t workers, const Supply& supply);

// Higher priority first, then the older submission. While the first job does not fit, later ones
// that fit may overtake it, but only for kPatienceMicros since it was first overtaken: from then on
// nothing starts until it fits, so that small jobs cannot starve a big one. What Next costs grows
// with how many sizes wait, not with how many jobs, but where memory is what is short.
//   Threads  one (the driver's).
class Queue {
 public:
  static constexpr int64_t kPatienceMicros = 60'000'000;

  // Replaces an entry of the same id.
  void Put(const Demand& demand);
  void Remove(const std::string& id);
  bool Contains(const std::string& id) const { return by_id_.contains(id); }
  size_t size() const { return order_.size(); }
  // The one whose turn it is, whether it fits or not.
  const Demand* First() const { return order_.empty() ? nullptr : &order_.begin()->second; }

  // The job to start now, if any; it stays in the queue until it is removed. `now`: monotonic
  // micros.
  std::optional<Demand> Next(const Supply& free, int64_t now_micros);
  // At how many sizes and jobs Next has looked in all: its cost, told without a clock.
  int64_t looks() const { return looks_; }

 private:
  struct Order {
    int32_t priority;
    int64_t number;
    // Higher priority first, then the lower number.
    friend bool operator<(const Order& a, const Order& b) {
      return a.priority != b.priority ? a.priority > b.priority : a.number < b.number;
    }
  };

  // What has to be free at once, but for memory, of which nearly every job wants another amount.
  struct Size {
    int64_t cores;  // of the fewest workers together
    int32_t workers;
    friend auto operator<=>(const Size&, const Size&) = default;
  };
  struct Alike {
    std::map<Order, const Demand*> jobs;
    std::multiset<int64_t> memories;  // of each one's worker
  };

  static Size SizeOf(const Demand& demand);
  void Erase(const Order& order);
  const Demand* FirstThatFits(const Alike& alike, const Supply& free);

  std::map<Order, Demand> order_;
  std::map<Size, Alike> sizes_;
  std::map<std::string, Order> by_id_;
  std::map<std::string, int64_t> overtaken_since_;
  int64_t looks_ = 0;
};

}  // namespace gradus::jobs
