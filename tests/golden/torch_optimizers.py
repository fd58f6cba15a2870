# SPDX-License-Identifier: Apache-2.0
"""Optimizers: PyTorch's where it has Keras's formula, else the formula."""
import torch

from kinks import KINKS

CLIPS = ("clipvalue", "clipnorm", "global_clipnorm")


def from_torch(make):
    def rule(weights, settings):
        optimizer = make(weights, settings)

        def step(gradients):
            for weight, gradient in zip(weights, gradients):
                weight.grad = gradient
            optimizer.step()
        return step
    return rule


def of_each_weight(change):
    """A rule of its own: change(gradient, t, settings, slots) gives what is taken from the weight; slots start as zeros."""
    def rule(weights, settings):
        slots = [Slots(weight) for weight in weights]
        count = 0

        def step(gradients):
            nonlocal count
            count += 1
            for weight, gradient, own in zip(weights, gradients, slots):
                weight.data -= change(gradient, count, settings, own)
        return step
    return rule


class Slots(dict):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def __missing__(self, name):
        return torch.zeros_like(self.weight)


def mean(slots, name, decay, value):
    slots[name] = decay * slots[name] + (1 - decay) * value
    return slots[name]


def rmsprop(g, _t, s, slots):
    variance = mean(slots, "v", s.get("rho", 0.9), g * g)
    if s.get("centered"):
        variance = variance - mean(slots, "m", s.get("rho", 0.9), g) ** 2
    slots["change"] = s.get("momentum", 0) * slots["change"] + s["learning_rate"] * g / (variance + epsilon(s)).sqrt()
    return slots["change"]


def adagrad(g, t, s, slots):
    start = s.get("initial_accumulator_value", 0.1) if t == 1 else 0
    slots["a"] = slots["a"] + start + g * g
    return s["learning_rate"] * g / (slots["a"] + epsilon(s)).sqrt()


def adam(g, t, s, slots):
    beta_1, beta_2 = s.get("beta_1", 0.9), s.get("beta_2", 0.999)
    m, v = mean(slots, "m", beta_1, g), mean(slots, "v", beta_2, g * g)
    if s.get("amsgrad"):
        v = slots["largest"] = torch.maximum(slots["largest"], v)
    return s["learning_rate"] * (1 - beta_2 ** t) ** 0.5 / (1 - beta_1 ** t) * m / (v.sqrt() + epsilon(s))


def adamax(g, t, s, slots):
    beta_1, beta_2 = s.get("beta_1", 0.9), s.get("beta_2", 0.999)
    m = mean(slots, "m", beta_1, g)
    slots["u"] = torch.maximum(beta_2 * slots["u"], g.abs())
    return s["learning_rate"] / (1 - beta_1 ** t) * m / (slots["u"] + epsilon(s))


def lion(g, _t, s, slots):
    beta_1, beta_2 = s.get("beta_1", 0.9), s.get("beta_2", 0.99)
    direction = beta_1 * slots["m"] + (1 - beta_1) * g
    KINKS.near(direction, 0)
    mean(slots, "m", beta_2, g)
    return s["learning_rate"] * direction.sign()


def epsilon(settings):
    return settings.get("epsilon", 1e-7)


RULES = {
    "sgd": from_torch(lambda w, s: torch.optim.SGD(w, s["learning_rate"], momentum=s.get("momentum", 0),
                                                   nesterov=s.get("nesterov", False))),
    "adadelta": from_torch(lambda w, s: torch.optim.Adadelta(w, s["learning_rate"], s.get("rho", 0.95), epsilon(s))),
    # The momentum's schedule is Keras's where its decay is 1. Without `foreach` PyTorch 1.13 multiplies by a momentum twice.
    "nadam": from_torch(lambda w, s: torch.optim.NAdam(w, s["learning_rate"], (s.get("beta_1", 0.9), s.get("beta_2", 0.999)),
                                                       epsilon(s), momentum_decay=1, foreach=True)),
    # PyTorch has epsilon elsewhere.
    "rmsprop": of_each_weight(rmsprop),
    "adagrad": of_each_weight(adagrad),
    "adam": of_each_weight(adam),
    "adamw": of_each_weight(adam),
    "adamax": of_each_weight(adamax),
    # PyTorch has none.
    "lion": of_each_weight(lion),
}
DECAYS = {"adamw": 0.004}


def clip(gradients, settings):
    if "clipvalue" in settings:
        return [g.clamp(-settings["clipvalue"], settings["clipvalue"]) for g in gradients]
    if "clipnorm" in settings:
        return [g * min(1, settings["clipnorm"] / g.norm()) for g in gradients]
    if "global_clipnorm" in settings:
        return [g * min(1, settings["global_clipnorm"] / torch.cat([g.flatten() for g in gradients]).norm()) for g in gradients]
    return gradients


class Optimizer:
    def __init__(self, word, settings, weights):
        self.settings, self.weights = settings, weights
        self.decay = settings.get("weight_decay", DECAYS.get(word, 0))
        self.rule = RULES[word](weights, settings)

    def step(self, gradients):
        gradients = clip(gradients, self.settings)
        for weight in self.weights:
            weight.data *= 1 - self.settings["learning_rate"] * self.decay
        self.rule(gradients)


# With an epsilon that does not count, PyTorch's rules are the same: what is written out above is checked by them.
NO_EPSILON = 1e-30
SAME_IN_TORCH = {
    "rmsprop": ({"momentum": 0.8, "centered": True}, lambda w: torch.optim.RMSprop(
        w, 0.01, alpha=0.9, eps=NO_EPSILON, momentum=0.8, centered=True)),
    "adagrad": ({}, lambda w: torch.optim.Adagrad(w, 0.01, initial_accumulator_value=0.1, eps=NO_EPSILON)),
    "adam": ({"amsgrad": True}, lambda w: torch.optim.Adam(w, 0.01, eps=NO_EPSILON, amsgrad=True)),
    "adamw": ({}, lambda w: torch.optim.AdamW(w, 0.01, eps=NO_EPSILON, weight_decay=0.004)),
    "adamax": ({}, lambda w: torch.optim.Adamax(w, 0.01, eps=NO_EPSILON)),
}


def differences_to_torch():
    for word, (settings, make) in SAME_IN_TORCH.items():
        generator = torch.Generator().manual_seed(1)
        ours = torch.randn(50, dtype=torch.float64, generator=generator)
        theirs = ours.clone()
        rule = Optimizer(word, {"learning_rate": 0.01, "epsilon": NO_EPSILON, **settings}, [ours])
        optimizer = make([theirs])
        for _ in range(10):
            theirs.grad = torch.randn(50, dtype=torch.float64, generator=generator)
            rule.step([theirs.grad.clone()])
            optimizer.step()
        if not torch.allclose(ours, theirs, rtol=1e-9, atol=1e-9):
            yield f"{word} is not PyTorch's where epsilon does not count"
