// What record.py asks TensorFlow.js: a layer with these weights, and what it computes.
const tf = require("@tensorflow/tfjs")
const { kind, weights, x, states, hidden } = JSON.parse(require("fs").readFileSync(0))
const gates = { recurrentActivation: "sigmoid", resetAfter: false }
const how = { units: hidden, returnSequences: true, returnState: true }
const made = {
  gru_reset_before: () => tf.layers.gru({ ...how, ...gates }),
  lstm: () => tf.layers.lstm({ ...how, ...gates }),
  rnn_tanh: () => tf.layers.simpleRNN(how),
  rnn_relu: () => tf.layers.simpleRNN({ ...how, activation: "relu" }),
}[kind]()
const given = [x, ...states].map((one) => tf.tensor(one))
made.apply(given[0])
made.setWeights(weights.map((one) => tf.tensor(one)))
const found = made.apply(given[0], { initialState: given.slice(1) })
const arrays = found.map((one) => one.arraySync())
console.log(JSON.stringify({ found: arrays, version: tf.version.tfjs }))
