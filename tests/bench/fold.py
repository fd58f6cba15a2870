# SPDX-License-Identifier: Apache-2.0
"""What folding is worth: size, and samples a second in an evaluation, of two normalized networks before and after.

    cmake --build BUILD_DIR --target gradus gradusd gradus-worker predict_rate
    fold.py BIN_DIR [--cores 1]

Trains each network a little on Fashion-MNIST, folds it with `gradus model fold`, fetches both versions, and has predict_rate
run them in turn. The ratio of one run is what to look at; rates by themselves are the machine's.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server  # noqa: E402

BATCHES = (1, 32, 256)
DATA = """
data:
  train: {dataset: fashion-mnist, split: train, take: 10000, scale: 0.00392156862745098}
  test:  {dataset: fashion-mnist, split: test,               scale: 0.00392156862745098}
loss: sparse_categorical_crossentropy
optimizer: {adam: {learning_rate: 0.001}}
metrics: [accuracy]
fit: {epochs: 1, batch_size: 32, seed: 1}
"""
NETWORKS = {"dense": """
model:
  input_shape: [28, 28]
  layers:
    - flatten
    - batch_normalization
    - dense: {units: 300, use_bias: false}
    - batch_normalization
    - activation: relu
    - dense: {units: 100, use_bias: false}
    - batch_normalization
    - activation: relu
    - dense: {units: 10, activation: softmax}
""", "convolutional": """
model:
  input_shape: [28, 28]
  layers:
    - reshape: {target_shape: [28, 28, 1]}
    - conv2d: {filters: 32, kernel_size: 3, padding: same, use_bias: false}
    - batch_normalization
    - activation: relu
    - max_pooling2d
    - conv2d: {filters: 64, kernel_size: 3, padding: same, use_bias: false}
    - batch_normalization
    - activation: relu
    - conv2d: {filters: 64, kernel_size: 3, padding: same, use_bias: false}
    - batch_normalization
    - activation: relu
    - max_pooling2d
    - flatten
    - dense: {units: 10, activation: softmax}
"""}


def made(server, name, folder):
    """The folders of the network and of what folding makes of it."""
    job = folder / f"{name}.yaml"
    job.write_text(f"{NETWORKS[name]}{DATA}publish: {{model: {name}}}\n")
    server.run("train", job)
    server.run("model", "fold", f"{name}@1")
    for version in (1, 2):
        server.run("model", "fetch", f"{name}@{version}", "--output", folder / f"{name}-{version}")
    return [folder / f"{name}-{version}" for version in (1, 2)]


def measure(bin_dir, batch, cores, folders):
    done = subprocess.run([pathlib.Path(bin_dir) / "predict_rate", str(batch), str(cores), *folders],
                          check=True, capture_output=True, text=True)
    return [float(line.split()[-1]) for line in done.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("--cores", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, Server(args.bin_dir) as server:
        server.push_fashion()
        for name in NETWORKS:
            folders = made(server, name, pathlib.Path(place))
            models = [server.json("model", "show", f"{name}@{version}") for version in (1, 2)]
            weights = [int(model["total_params"]) for model in models]
            layers = [len(model["layers"]) for model in models]
            sizes = [(folder / "weights.safetensors").stat().st_size for folder in folders]
            print(f"{name}: {layers[0]} layers before, {layers[1]} after; weights {weights[0]:,} and {weights[1]:,}; "
                  f"file {sizes[0]:,} and {sizes[1]:,} bytes; "
                  f"largest difference {models[1]['metrics']['largest_difference']:.2g}")
            for batch in BATCHES:
                before, after = measure(args.bin_dir, batch, args.cores, folders)
                print(f"  batches of {batch:3}: {before:12,.0f} samples/s before, {after:12,.0f} after: {after / before:.2f} times")


if __name__ == "__main__":
    main()
