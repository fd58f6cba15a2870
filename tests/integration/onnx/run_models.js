// SPDX-License-Identifier: Apache-2.0
// Runs ONNX models on rows: node run_models.js CASES.json, where onnxruntime-node is found through NODE_PATH.
//
// CASES.json: [{model, inputs: {NAME: {dims, file}}, outputs: {NAME: file}}, ...]; files are f32 values in C order.
'use strict';
const fs = require('fs');
const ort = require('onnxruntime-node');

function read(file) {
  const bytes = fs.readFileSync(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

async function run(one) {
  const session = await ort.InferenceSession.create(one.model, {intraOpNumThreads: 1, interOpNumThreads: 1});
  const feeds = {};
  for (const [name, {dims, file}] of Object.entries(one.inputs)) feeds[name] = new ort.Tensor('float32', read(file), dims);
  const results = await session.run(feeds);
  for (const [name, file] of Object.entries(one.outputs)) {
    const {data} = results[name];
    fs.writeFileSync(file, Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  }
}

async function main(file) {
  for (const one of JSON.parse(fs.readFileSync(file))) {
    try {
      await run(one);
    } catch (error) {
      throw new Error(`${one.model}: ${error.message}`);
    }
  }
}

main(process.argv[2]).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
