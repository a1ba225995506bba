// What run.py asks of Node: the outputs of an ONNX file, or of a layer of Keras, for several inputs.
const asked = JSON.parse(require("fs").readFileSync(0))

const kinds = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
}
// JSON has no NaN and no infinity: they come, and go back, as texts.
const written = (v) => (typeof v === "bigint" || Number.isFinite(v) ? Number(v) : String(v))
const plain = (type, dims, data) => ({ type, dims, data: Array.from(data, written) })

async function byOnnxRuntime() {
  const ort = require("onnxruntime-web")
  ort.env.wasm.numThreads = 1
  const number = (type) => (type === "int64" ? BigInt : Number)
  const tensor = ({ type, dims, data }) =>
    new ort.Tensor(type, kinds[type].from(data.map(number(type))), dims)
  const session = await ort.InferenceSession.create(asked.onnx)
  const answers = []
  for (const given of asked.given) {
    const feeds = Object.fromEntries(Object.entries(given).map(([name, one]) => [name, tensor(one)]))
    const found = await session.run(feeds)
    answers.push(asked.outputs.map((name) => plain(found[name].type, found[name].dims, found[name].data)))
  }
  return answers
}

function byTensorFlow() {
  const tf = require("@tensorflow/tfjs")
  const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())
  const of = (own) => ({
    units: own.units,
    activation: camel(own.activation),
    useBias: own.use_bias,
    goBackwards: own.go_backwards,
    returnSequences: own.return_sequences,
    ...("recurrent_activation" in own && { recurrentActivation: camel(own.recurrent_activation) }),
    ...("reset_after" in own && { resetAfter: own.reset_after }),
  })
  const makers = { GRU: tf.layers.gru, LSTM: tf.layers.lstm, SimpleRNN: tf.layers.simpleRNN }
  const made = ({ kind, config }) =>
    kind === "Bidirectional"
      ? tf.layers.bidirectional({
          layer: makers[config.layer.class_name](of(config.layer.config)),
          mergeMode: config.merge_mode,
        })
      : makers[kind](of(config))
  const tensor = ({ dims, data }) => tf.tensor(data.map(Number), dims)
  const { masks, layers } = asked.keras
  const whole = layers.map((own) => [made(own), own.weights.map(tensor)])
  // What was built cannot be applied any more: a layer is applied to something first.
  whole.reduce((x, [layer]) => layer.apply(x), tensor(asked.given[0].x))
  whole.forEach(([layer, weights]) => layer.setWeights(weights))
  return asked.given.map((given) => {
    const { x, ...states } = given
    const inputs = [x, ...Object.values(states)].map((one) => tf.input({ batchShape: one.dims }))
    const read = masks.reduce((own, maskValue) => tf.layers.masking({ maskValue }).apply(own), inputs[0])
    const initialState = inputs.slice(1)
    const outputs = whole.reduce(
      (own, [layer]) => (initialState.length ? layer.apply(own, { initialState }) : layer.apply(own)),
      read,
    )
    const found = tf.model({ inputs, outputs }).predict([x, ...Object.values(states)].map(tensor))
    return [plain("float32", found.shape, found.dataSync())]
  })
}

async function main() {
  const answers = asked.onnx ? await byOnnxRuntime() : byTensorFlow()
  console.log(JSON.stringify(answers))
}

main().catch((error) => {
  console.error(error.message)
  process.exit(1)
})
