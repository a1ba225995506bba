#!/usr/bin/env bash
# @tensorflow/tfjs 4.22.0: a recurrent layer on which build() was called cannot be applied any more.
#
# build() makes the weights, and apply() on a dense layer or a convolution then uses them. A gru, lstm
# or simpleRNN layer makes its cell's weights a second time and throws, since their names are taken.
# Whoever wants to set weights first must apply the layer to something, and set them then.
#
# Output seen:
#   dense: applied
#   conv1d: applied
#   simpleRNN: Duplicate weight name
#   gru: Duplicate weight name
#   lstm: Duplicate weight name
#   gru, applied before its weights are set: applied
set -euo pipefail
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
cd "$here"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0
node - << 'JS' 2> /dev/null
const tf = require("@tensorflow/tfjs")
const assert = require("assert")
const x = tf.ones([2, 5, 3])

function outcome(layer, first) {
  try {
    first(layer)
    layer.setWeights(layer.getWeights())
    layer.apply(x)
    return "applied"
  } catch (error) {
    return error.message.split(" ").slice(0, 3).join(" ")
  }
}

const build = (layer) => layer.build(x.shape)
const made = {
  dense: () => tf.layers.dense({ units: 4 }),
  conv1d: () => tf.layers.conv1d({ filters: 4, kernelSize: 2 }),
  simpleRNN: () => tf.layers.simpleRNN({ units: 4 }),
  gru: () => tf.layers.gru({ units: 4 }),
  lstm: () => tf.layers.lstm({ units: 4 }),
}
const found = Object.fromEntries(Object.entries(made).map(([k, make]) => [k, outcome(make(), build)]))
found["gru, applied before its weights are set"] = outcome(made.gru(), (layer) => layer.apply(x))
for (const [name, what] of Object.entries(found)) console.log(`${name}: ${what}`)
const twice = "Duplicate weight name"
assert.deepStrictEqual(Object.values(found), ["applied", "applied", twice, twice, twice, "applied"])
JS
