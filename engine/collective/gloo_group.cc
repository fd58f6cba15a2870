// SPDX-License-Identifier: Apache-2.0
// Gloo 0.5 as transport. Gloo's own rendezvous takes the first who connects for the peer, ends the
// process on bytes that are not its protocol's, and cannot be given up. So connections are made by
// mesh.h, and a pair of Gloo's is given one that is proven. Its exceptions in the device's thread
// are turned into a broken group here, and so is a connection that ends in mid-message, of which
// Gloo tells nobody who waits for that message.
#include "engine/collective/gloo_group.h"

#include <gloo/config.h>
#include <gloo/transport/tcp/context.h>
#include <gloo/transport/tcp/device.h>
#include <gloo/transport/tcp/pair.h>
#include <gloo/transport/tcp/unbound_buffer.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/mutex.h"
#include "engine/base/status.h"
#include "engine/collective/own_address.h"

namespace gradus::collective {
namespace {

namespace tcp = gloo::transport::tcp;

// ProvenPair follows the life of this version's pairs.
static_assert(GLOO_VERSION == 500);

// What the exception in flight says, without Gloo's "[FILE:LINE] ".
std::string What(const std::exception_ptr& exception) {
  std::string text = "the connection was closed";
  if (exception == nullptr) return text;
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    text = error.what();
  } catch (...) {
  }
  const size_t bracket = text.find("] ");
  return bracket == std::string::npos ? text : text.substr(bracket + 2);
}

// What has gone wrong in a group, and everybody who has to hear of it.
//   Threads  any. Order of locks: a pair's, this one's, a buffer's.
class Health {
 public:
  explicit Health(int size) : peers_(static_cast<size_t>(size)) {}

  // The group is of no more use; the first reason counts.
  void Break(absl::Status why) {
    const base::MutexLock lock(mu_);
    if (!broken_.ok()) return;
    broken_ = std::move(why);
    for (const Waiting& waiting : waiting_) Wake(*waiting.buffer);
  }

  // The connection with `peer` has ended. That concerns only who still needs it: when ranks go
  // their ways after a last exchange, some are done before others.
  void Lose(int peer, absl::Status why) {
    const base::MutexLock lock(mu_);
    absl::Status& lost = peers_[static_cast<size_t>(peer)];
    if (!lost.ok()) return;
    lost = std::move(why);
    for (const Waiting& waiting : waiting_)
      if (waiting.peer == peer) Wake(*waiting.buffer);
  }

  // Whether there is any use in a message between this rank and `peer`.
  absl::Status Check(int peer) const {
    const base::MutexLock lock(mu_);
    return CheckLocked(peer);
  }

  // Wakes the buffer once, when its message cannot come any more.
  void Add(tcp::UnboundBuffer& buffer, int peer) {
    const base::MutexLock lock(mu_);
    waiting_.push_back({.buffer = &buffer, .peer = peer});
    if (!CheckLocked(peer).ok()) Wake(buffer);
  }
  void Remove(tcp::UnboundBuffer& buffer) {
    const base::MutexLock lock(mu_);
    std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.buffer == &buffer; });
  }

 private:
  struct Waiting {
    tcp::UnboundBuffer* buffer;
    int peer;
  };

  static void Wake(tcp::UnboundBuffer& buffer) {
    buffer.abortWaitRecv();
    buffer.abortWaitSend();
  }
  absl::Status CheckLocked(int peer) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return broken_.ok() ? peers_[static_cast<size_t>(peer)] : broken_;
  }

  mutable base::Mutex mu_;
  absl::Status broken_ ABSL_GUARDED_BY(mu_);
  std::vector<absl::Status> peers_ ABSL_GUARDED_BY(mu_);
  std::vector<Waiting> waiting_ ABSL_GUARDED_BY(mu_);
};

// A pair over a connection that was made and proven before.
class ProvenPair final : public tcp::Pair {
 public:
  // Pair's constructor listens, for whoever comes first: events are ignored until the proven
  // connection has taken that socket's place.
  ProvenPair(tcp::Context* context, tcp::Device* device, int rank,
             std::chrono::milliseconds timeout, Health& health, base::Descriptor connection)
      : Pair(context, device, rank, timeout), health_(health) {
    const std::lock_guard<std::mutex> lock(m_);
    device_->unregisterDescriptor(fd_, this);
    ::close(fd_);
    fd_ = connection.Release();
    proven_.store(true);
    handleConnected();
  }
  // The device must not find a pair that is half destroyed.
  ~ProvenPair() override { Close(); }

  void handleEvents(int events) override {
    if (!proven_.load()) return;
    try {
      Pair::handleEvents(events);
    } catch (const std::exception& error) {
      Fail(error.what());
    }
  }

  // What has been sent so far still arrives.
  void Close() {
    const std::lock_guard<std::mutex> lock(m_);
    if (state_ != CLOSED) changeState(CLOSED);
  }

 private:
  void Fail(const std::string& why) {
    try {
      signalExceptionExternal(why);
    } catch (const std::exception&) {
      health_.Lose(rank_, absl::UnavailableError(absl::StrCat("rank ", rank_, ": ", why)));
    }
  }

  // The way of all errors. Called under the pair's lock.
  void changeState(state next) noexcept override {
    Pair::changeState(next);
    if (next == CLOSED)
      health_.Lose(rank_, absl::UnavailableError(absl::StrCat("rank ", rank_, ": ", What(ex_))));
  }

  Health& health_;
  std::atomic<bool> proven_{false};
};

class ProvenContext final : public tcp::Context {
 public:
  ProvenContext(const std::shared_ptr<tcp::Device>& device, const Identity& self,
                std::chrono::milliseconds timeout)
      : Context(device, self.rank, self.size) {
    setTimeout(timeout);
  }

  void Connect(Health& health, std::vector<base::Descriptor> peers) {
    for (size_t i = 0; i < peers.size(); ++i) {
      if (!peers[i].valid()) continue;
      pairs_[i] = std::make_unique<ProvenPair>(this, device_.get(), static_cast<int>(i),
                                               getTimeout(), health, std::move(peers[i]));
    }
  }

  void Close() {
    for (const auto& pair : pairs_)
      if (pair) static_cast<ProvenPair&>(*pair).Close();
  }
};

// The only device of the process with this address, for as long as a group uses it: it is a thread.
std::shared_ptr<tcp::Device> DeviceAt(const std::string& address) {
  static base::Mutex& mu = *new base::Mutex;
  static auto& devices = *new std::map<std::string, std::weak_ptr<tcp::Device>>;
  const base::MutexLock lock(mu);
  std::shared_ptr<tcp::Device> device = devices[address].lock();
  if (device == nullptr) {
    device = std::make_shared<tcp::Device>(tcp::CreateDeviceAttr(tcp::attr(address.c_str())));
    devices[address] = device;
  }
  return device;
}

class GlooGroup;

class GlooTransfer final : public Transfer {
 public:
  GlooTransfer(GlooGroup& group, int peer, std::unique_ptr<gloo::transport::UnboundBuffer> buffer,
               bool receives);
  ~GlooTransfer() override;
  void Start(uint32_t channel);
  absl::Status Wait() override;

 private:
  bool Completes(std::chrono::milliseconds timeout);

  GlooGroup& group_;
  const int peer_;
  const std::unique_ptr<gloo::transport::UnboundBuffer> buffer_;
  const bool receives_;
  bool under_way_ = true;
};

class GlooGroup final : public Group {
 public:
  GlooGroup(const std::string& address, const GlooOptions& options,
            std::vector<base::Descriptor> peers)
      : rank_(options.self.rank), size_(options.self.size), health_(options.self.size) {
    if (size_ == 1) return;
    context_ =
        std::make_shared<ProvenContext>(DeviceAt(address), options.self, options.silence_timeout);
    context_->Connect(health_, std::move(peers));
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  absl::StatusOr<std::unique_ptr<Transfer>> Send(int peer, uint32_t channel,
                                                 std::span<const std::byte> bytes) override {
    // Gloo has one kind of buffer for both directions, and does not write into one that is sent.
    return Start(peer, channel, const_cast<std::byte*>(bytes.data()), bytes.size(), false);
  }
  absl::StatusOr<std::unique_ptr<Transfer>> Receive(int peer, uint32_t channel,
                                                    std::span<std::byte> bytes) override {
    return Start(peer, channel, bytes.data(), bytes.size(), true);
  }

  void Abort() override { Fail(absl::AbortedError("the group was given up")); }

  Health& health() { return health_; }
  // No thread touches lent memory any more.
  void Fail(absl::Status why) {
    health_.Break(std::move(why));
    if (context_ != nullptr) context_->Close();
  }
  // What is wrong with a message to or from `peer`, and now with the group.
  absl::Status Failed(int peer, absl::string_view what) {
    absl::Status why = health_.Check(peer);
    if (why.ok()) why = absl::UnavailableError(absl::StrCat("rank ", peer, ": ", what));
    Fail(std::move(why));
    return health_.Check(peer);
  }

 private:
  absl::StatusOr<std::unique_ptr<Transfer>> Start(int peer, uint32_t channel, void* data,
                                                  size_t size, bool receives) {
    if (peer < 0 || peer >= size_ || peer == rank_ || size == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("a message of ", size, " bytes between ranks ", rank_, " and ", peer));
    }
    if (!health_.Check(peer).ok()) return Failed(peer, "");
    try {
      auto transfer = std::make_unique<GlooTransfer>(
          *this, peer, context_->createUnboundBuffer(data, size), receives);
      transfer->Start(channel);
      return transfer;
    } catch (const std::exception&) {
      return Failed(peer, What(std::current_exception()));
    }
  }

  const int rank_;
  const int size_;
  Health health_;
  std::shared_ptr<ProvenContext> context_;  // none of a rank alone
};

GlooTransfer::GlooTransfer(GlooGroup& group, int peer,
                           std::unique_ptr<gloo::transport::UnboundBuffer> buffer, bool receives)
    : group_(group), peer_(peer), buffer_(std::move(buffer)), receives_(receives) {
  group_.health().Add(static_cast<tcp::UnboundBuffer&>(*buffer_), peer_);
}

GlooTransfer::~GlooTransfer() {
  if (under_way_) group_.Fail(absl::UnavailableError("a message was given up on its way"));
  group_.health().Remove(static_cast<tcp::UnboundBuffer&>(*buffer_));
}

void GlooTransfer::Start(uint32_t channel) {
  if (receives_) {
    buffer_->recv(peer_, channel);
  } else {
    buffer_->send(peer_, channel);
  }
}

bool GlooTransfer::Completes(std::chrono::milliseconds timeout) {
  return receives_ ? buffer_->waitRecv(timeout) : buffer_->waitSend(timeout);
}

absl::Status GlooTransfer::Wait() {
  if (!under_way_) return absl::OkStatus();
  try {
    // One that was woken may have completed before, and is woken only once.
    const bool healthy = group_.health().Check(peer_).ok();
    if ((healthy && Completes(gloo::transport::kUnsetTimeout)) ||
        Completes(std::chrono::milliseconds(0)) || Completes(std::chrono::milliseconds(0))) {
      under_way_ = false;
      return absl::OkStatus();
    }
  } catch (const std::exception&) {
    return group_.Failed(peer_, What(std::current_exception()));
  }
  return group_.Failed(peer_, "a wait ended early");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Group>> ConnectGloo(const GlooOptions& options) {
  const Identity& self = options.self;
  if (self.size < 1 || self.rank < 0 || self.rank >= self.size) {
    return base::InvalidArgument("", absl::StrCat("rank ", self.rank, " of ", self.size),
                                 "a rank of a group");
  }
  if (self.size == 1)
    return std::make_unique<GlooGroup>("", options, std::vector<base::Descriptor>());
  ASSIGN_OR_RETURN(const std::string address, OwnAddress(options.network, options.server_host));
  ASSIGN_OR_RETURN(std::vector<base::Descriptor> peers,
                   ConnectMesh({.self = self,
                                .address = address,
                                .notes = options.notes,
                                .timeout = options.connect_timeout,
                                .aborted = options.aborted}));
  try {
    return std::make_unique<GlooGroup>(address, options, std::move(peers));
  } catch (const std::exception&) {
    return absl::UnavailableError(
        absl::StrCat("connecting ranks at ", address, ": ", What(std::current_exception())));
  }
}

}  // namespace gradus::collective
