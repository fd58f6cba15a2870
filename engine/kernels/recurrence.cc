// SPDX-License-Identifier: Apache-2.0
// The way through a sequence: the inputs' products for all steps at once, then step by step, and
// back; the weights' gradients for all steps at once again. Threads share the rows, each with its
// own time-major part of all memory: [steps, its rows, width].
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/panel_layout.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/recurrence_memory.h"
#include "engine/kernels/recurrence_step.h"

namespace gradus::kernels {
namespace {

// Work beyond which more is not told apart.
constexpr int64_t kMuch = int64_t{1} << 15;

int64_t Capped(int64_t a, int64_t b) {
  return a >= kMuch || b >= kMuch ? kMuch : std::min(a * b, kMuch);
}

// One recurrence for one number of rows.
class Passage {
 public:
  Passage(const RecurrenceShape& shape, std::shared_ptr<const RecurrenceStep> step,
          const Setting& setting)
      : s_(shape),
        step_(std::move(step)),
        rows_(setting.rows),
        threads_(setting.threads),
        blocks_(step_->blocks()),
        memory_(shape, *step_, setting) {
    for (const int64_t columns : blocks_) columns_ += columns;
    if (s_.activation != nullptr) {
      functions_.activation = Vector().*(s_.activation->forward);
      functions_.activation_backward = Vector().*(s_.activation->backward);
    }
    if (s_.gates != nullptr) {
      functions_.gates = Vector().*(s_.gates->forward);
      functions_.gates_backward = Vector().*(s_.gates->backward);
    }
  }

  Layouts layouts() const {
    Layouts layouts = {MakePanelLayout(s_.inputs, blocks_), MakePanelLayout(s_.units, blocks_)};
    if (s_.bias)
      layouts.push_back(
          PlainLayout(static_cast<size_t>(step_->two_biases() ? 2 * columns_ : columns_)));
    return layouts;
  }
  size_t scratch_bytes() const { return memory_.scratch_bytes(); }
  size_t workspace_bytes() const { return memory_.workspace_bytes(); }
  std::string details() const {
    return absl::StrCat(" vector:", Vector().isa, " ", rows_, "x", s_.steps, "x", s_.inputs, "x",
                        s_.units, s_.backwards ? " backwards" : "");
  }
  const RecurrenceStep& step() const { return *step_; }

  void Forward(const Operands& o) const {
    ForEachPart([&](int64_t first, int64_t rows) { ForwardRows(o, first, rows); });
  }
  void Backward(const Operands& o) const {
    ForEachPart([&](int64_t first, int64_t rows) { BackwardRows(o, first, rows); });
    BackwardWeights(o);
  }

 private:
  // Calls run(first row, rows) for parts of the rows; always the same parts.
  template <typename Run>
  void ForEachPart(Run run) const {
    const auto work = static_cast<size_t>(Capped(s_.steps, Capped(s_.inputs + s_.units, columns_)));
    ParallelRanges(
        threads_, static_cast<size_t>(rows_) * work, work, [&](size_t begin, size_t end) {
          run(static_cast<int64_t>(begin / work), static_cast<int64_t>((end - begin) / work));
        });
  }

  // Where in a row of the source the input of a step is.
  int64_t Position(int64_t t) const { return s_.backwards ? s_.steps - 1 - t : t; }

  void CopyInputs(const Operands& o, int64_t first, int64_t rows, float* x) const {
    const float* src = Floats(o.src()) + first * s_.steps * s_.inputs;
    for (int64_t t = 0; t < s_.steps; ++t) {
      for (int64_t row = 0; row < rows; ++row) {
        std::copy_n(src + (row * s_.steps + Position(t)) * s_.inputs, s_.inputs, x);
        x += s_.inputs;
      }
    }
  }

  StepData DataOf(const Operands& o, int64_t first, int64_t rows, int64_t t,
                  const RecurrenceMemory::Part& part) const {
    StepData d = memory_.StepOf(o, first, rows, t, part);
    for (size_t i = 0; i < blocks_.size(); ++i)
      d.recurrent[i] = Floats(o.weights[1]) + PanelOffset(s_.units, blocks_, i);
    if (s_.bias && step_->two_biases()) d.recurrent_bias = Floats(o.weights[2]) + columns_;
    return d;
  }

  void ForwardRows(const Operands& o, int64_t first, int64_t rows) const {
    const RecurrenceMemory::Part part = memory_.PartOf(o, first);
    CopyInputs(o, first, rows, part.x);
    int64_t column = 0;
    for (size_t i = 0; i < blocks_.size(); ++i) {
      Vector().inner_product_forward(
          {rows * s_.steps, s_.inputs, blocks_[i]}, part.x,
          Floats(o.weights[0]) + PanelOffset(s_.inputs, blocks_, i),
          s_.bias ? Floats(o.weights[2]) + column : nullptr,
          memory_.Plane(o, static_cast<int>(i)) + first * s_.steps * blocks_[i], nullptr);
      column += blocks_[i];
    }
    std::fill_n(memory_.Plane(o, kStateBefore) + first * s_.steps * s_.units, rows * s_.units,
                0.0F);
    for (int64_t t = 0; t < s_.steps; ++t) {
      const StepData d = DataOf(o, first, rows, t, part);
      step_->Forward(functions_, d);
      if (!Shown(t)) continue;
      for (int64_t row = 0; row < rows; ++row)
        std::copy_n(d.h + row * s_.units, s_.units, Result(o.dst, first + row, t));
    }
  }

  // Whether the step's state is part of the result, and where.
  bool Shown(int64_t t) const { return s_.sequences || t + 1 == s_.steps; }
  float* Result(Cell dst, int64_t row, int64_t t) const {
    return Floats(dst) + (s_.sequences ? row * s_.steps + t : row) * s_.units;
  }

  void BackwardRows(const Operands& o, int64_t first, int64_t rows) const {
    const RecurrenceMemory::Part part = memory_.PartOf(o, first);
    if (o.diff_weights[0] != nullptr) CopyInputs(o, first, rows, part.x);
    std::fill_n(part.dh, rows * s_.units, 0.0F);
    std::fill_n(part.dc, rows * s_.units, 0.0F);
    for (int64_t t = s_.steps - 1; t >= 0; --t) {
      if (Shown(t)) {
        for (int64_t row = 0; row < rows; ++row)
          Vector().add(part.dh + row * s_.units, Result(o.diff_dst, first + row, t),
                       static_cast<size_t>(s_.units));
      }
      const StepData d = DataOf(o, first, rows, t, part);
      step_->Backward(functions_, d);
      if (o.diff_src() != nullptr) BackwardInputs(o, first, t, d, part.dx);
    }
  }

  void BackwardInputs(const Operands& o, int64_t first, int64_t t, const StepData& d,
                      float* dx) const {
    for (size_t i = 0; i < blocks_.size(); ++i) {
      Vector().inner_product_backward_data(
          {d.rows, s_.inputs, blocks_[i]}, d.planes[i],
          Floats(o.weights[0]) + PanelOffset(s_.inputs, blocks_, i), dx);
      for (int64_t row = 0; row < d.rows; ++row) {
        float* const to =
            Floats(o.diff_src()) + ((first + row) * s_.steps + Position(t)) * s_.inputs;
        if (i == 0) {
          std::copy_n(dx + row * s_.inputs, s_.inputs, to);
        } else {
          Vector().add(to, dx + row * s_.inputs, static_cast<size_t>(s_.inputs));
        }
      }
    }
  }

  void BackwardWeights(const Operands& o) const {
    int64_t column = 0;
    for (size_t i = 0; i < blocks_.size(); ++i) {
      const float* diff = memory_.Plane(o, static_cast<int>(i));
      const float* recurrent_diff = memory_.Plane(o, step_->diff_plane(i));
      KernelGradient(s_.inputs, i, memory_.Inputs(o), diff, o.diff_weights[0]);
      KernelGradient(s_.units, i, memory_.Plane(o, step_->src_plane(i)), recurrent_diff,
                     o.diff_weights[1]);
      if (s_.bias && o.diff_weights[2] != nullptr) {
        const InnerProductShape all{rows_ * s_.steps, 0, blocks_[i]};
        float* const sum = Floats(o.diff_weights[2]) + column;
        Vector().inner_product_backward_bias(all, diff, sum);
        if (step_->two_biases())
          Vector().inner_product_backward_bias(all, recurrent_diff, sum + columns_);
      }
      column += blocks_[i];
    }
  }

  // Of one block, over all rows and steps. Threads share the inputs.
  void KernelGradient(int64_t inputs, size_t block, const float* src, const float* diff,
                      Cell gradient) const {
    if (gradient == nullptr) return;
    const InnerProductShape all{rows_ * s_.steps, inputs, blocks_[block]};
    float* const to = Floats(gradient) + PanelOffset(inputs, blocks_, block);
    const auto work = static_cast<size_t>(Capped(all.rows, all.units));
    ParallelRanges(
        threads_, static_cast<size_t>(inputs) * work, work, [&](size_t begin, size_t end) {
          Vector().inner_product_backward_inputs(all, static_cast<int64_t>(begin / work),
                                                 static_cast<int64_t>(end / work), src, diff, to);
        });
  }

  const RecurrenceShape s_;
  const std::shared_ptr<const RecurrenceStep> step_;
  const int64_t rows_;
  const int threads_;
  // Columns of the kernels' blocks, and of all together.
  const std::vector<int64_t> blocks_;
  const RecurrenceMemory memory_;
  int64_t columns_ = 0;
  RecurrenceFunctions functions_;
};

CompiledParts Compile(const RecurrenceShape& shape, std::shared_ptr<const RecurrenceStep> step,
                      const Setting& setting) {
  const auto passage = std::make_shared<const Passage>(shape, std::move(step), setting);
  const std::string name = passage->step().name();
  CompiledParts parts;
  parts.layouts = passage->layouts();
  parts.scratch_bytes = passage->scratch_bytes();
  parts.workspace_bytes = passage->workspace_bytes();
  parts.forward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
    return OneKernel(name + "_forward" + passage->details(), [passage, o] { passage->Forward(o); });
  };
  parts.backward = [=](const Operands& o) -> absl::StatusOr<Kernels> {
    return OneKernel(name + "_backward" + passage->details(),
                     [passage, o] { passage->Backward(o); });
  };
  return parts;
}

}  // namespace

std::unique_ptr<const Operation> MakeRecurrence(const RecurrenceShape& shape,
                                                std::shared_ptr<const RecurrenceStep> step) {
  OperationFacts facts{.name = absl::StrCat(step->name(), " ", shape.inputs, "x", shape.units),
                       .dst_values = (shape.sequences ? shape.steps : 1) * shape.units,
                       .reads_src = ReadsSrc::kForWeights};
  return MakeOperation(
      std::move(facts),
      [shape, step = std::move(step)](const Setting& setting, const Layouts&)
          -> absl::StatusOr<CompiledParts> { return Compile(shape, step, setting); });
}

void AddProduct(int64_t rows, int64_t units, int64_t columns, const float* src, const float* kernel,
                float* sum, float* room) {
  Vector().inner_product_forward({rows, units, columns}, src, kernel, nullptr, room, nullptr);
  Vector().add(sum, room, static_cast<size_t>(rows * columns));
}

void AddProductBackward(int64_t rows, int64_t units, int64_t columns, const float* diff,
                        const float* kernel, float* diff_src, float* room) {
  Vector().inner_product_backward_data({rows, units, columns}, diff, kernel, room);
  Vector().add(diff_src, room, static_cast<size_t>(rows * units));
}

}  // namespace gradus::kernels
